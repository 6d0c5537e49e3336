// Hopfield's net: draw, let it recall, watch the energy fall.

function render({ model, el }) {
  speak(model);
  const [rows, columns] = model.get("shape"), N = rows * columns;
  let patterns = model.get("patterns").map((p) => [...p]), names = [...model.get("names")];
  const first = { patterns, names, stored: patterns.map((_, n) => n < model.get("stored")), state: [...model.get("state")] };
  let stored = [...first.stored], state = [...first.state], energies, flips, past = [], draw = generator(model.get("seed"));
  let queue = [], calm = 0, corner = 0;

  const root = frame(el, say`Recall by drawing`,
    say`draw over the picture, or load one and add noise; then press “Recall”. How much can you spoil before it recalls
      something else? What does a reversed picture lead to? Then store more and more pictures, until none comes back.`);

  const W = () => (stored.some(Boolean) ? hebb(patterns.filter((_, n) => stored[n])) : null);
  let weights = W();
  const level = () => (weights ? hopfieldEnergy(weights, state) : 0);
  const restart = () => { energies = [level()]; flips = 0; queue = []; calm = 0; };

  const remember = () => {
    past.push({ state, stored, patterns, names, energies: [...energies], flips });
    if (past.length > 300) past.shift();
  };
  const change = (next) => {
    runner.stop();
    remember();
    state = next;
    restart();
    redraw();
    tell(model, { state });
  };

  // Let units look at their fields, in a random order, until one flips. False when no unit wants to.
  const flip = () => {
    if (!weights) return false;
    while (calm < N) {
      if (!queue.length) queue = shuffled(N, draw);
      const i = queue.pop(), now = hopfieldUnit(weights, state, i);
      if (now !== state[i]) {
        state = state.map((v, j) => (j === i ? now : v));
        energies.push(level());
        flips += 1;
        calm = 0;
        return i + 1;
      }
      calm += 1;
      if (calm >= N && hopfieldUpdate(weights, state).some((v, j) => v !== state[j])) calm = 0;
    }
    return false;
  };
  const ended = () => { redraw(); tell(model, { state }); };
  const one = () => { runner.stop(); remember(); flip(); ended(); };
  const runner = player(say`Recall`, () => {
    const went = flip();
    if (went) redraw();
    else ended();
    return went;
  }, 90);
  const starting = runner.start;
  runner.start = () => { remember(); starting(); };

  // The picture: one button a unit. Arrow keys move, space and Enter flip, the mouse draws.
  const grid = make("div", { class: "rnnfig-grid", role: "group", style: `grid-template-columns: repeat(${columns}, 1fr)`,
    "aria-label": say`The state. Arrow keys move, the space bar flips a unit.` });
  let pen = null;
  const paintAt = (i) => {
    if (pen === null || state[i] === pen) return;
    state = state.map((v, j) => (j === i ? pen : v));
    restart();
    redraw();
  };
  const dots = [...Array(N).keys()].map((i) => make("button", {
    type: "button", class: "rnnfig-dot", tabindex: i ? -1 : 0, "aria-label": say`row ${Math.floor(i / columns) + 1}, column ${(i % columns) + 1}`,
    onclick: (event) => { if (event.detail === 0) change(state.map((v, j) => (j === i ? -v : v))); },
    onkeydown: (event) => {
      const [r, c] = [Math.floor(i / columns), i % columns];
      const to = { ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1], Home: [r, 0], End: [r, columns - 1] }[event.key];
      if (!to) return;
      event.preventDefault();
      event.stopPropagation();
      const j = Math.min(rows - 1, Math.max(0, to[0])) * columns + Math.min(columns - 1, Math.max(0, to[1]));
      dots[corner].tabIndex = -1;
      corner = j;
      dots[j].tabIndex = 0;
      dots[j].focus();
    },
  }));
  const under = (event) => dots.indexOf(document.elementFromPoint(event.clientX, event.clientY));
  grid.addEventListener("pointerdown", (event) => {
    const i = dots.indexOf(event.target);
    if (i < 0) return;
    runner.stop();
    remember();
    pen = -state[i];
    grid.setPointerCapture?.(event.pointerId);
    paintAt(i);
  });
  grid.addEventListener("pointermove", (event) => {
    const i = pen === null ? -1 : under(event);
    if (i >= 0) paintAt(i);
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    grid.addEventListener(name, () => { if (pen !== null) { pen = null; tell(model, { state }); } });
  }
  grid.append(...dots);

  const curve = canvas((width) => {
    const floors = weights ? patterns.filter((_, n) => stored[n]).map((p) => hopfieldEnergy(weights, p)) : [];
    const all = [...energies, ...floors, 0], low = Math.floor(Math.min(...all) / 5) * 5, high = Math.max(0, Math.ceil(Math.max(...energies) / 5) * 5);
    const { parts, Y } = chart(width, 200, { x: [0, Math.max(10, energies.length - 1)], y: [low || -5, high], xname: say`flips`, yname: say`energy`,
      series: [{ name: say`stored`, colour: "target", dash: "2 4", points: [] }, { name: say`state`, colour: "hidden", points: energies.map((e, n) => [n, e]), mark: energies.length < 25 }] });
    for (const e of floors) parts.push(line(44, Y(e), width - 12, Y(e), "target", { "stroke-dasharray": "2 4" }));
    return { height: 200, parts, label: say`Energy after ${flips} flips: ${num(level(), 1)}. It began at ${num(energies[0], 1)}; stored pictures lie at ${floors.map((e) => num(e, 1)).join(", ")}.` };
  });

  const list = make("div", { class: "rnnfig-row", role: "group", "aria-label": say`Pictures` });
  const thumb = (p) => make("svg", { width: 5 * columns, height: 5 * rows, viewBox: `0 0 ${columns} ${rows}`, "aria-hidden": "true" },
    make("rect", { width: columns, height: rows, fill: paint("raised") }),
    p.map((v, i) => (v > 0 ? make("rect", { x: i % columns, y: Math.floor(i / columns), width: 1, height: 1, fill: paint("hidden") }) : null)));
  const meters = [];
  const fill = () => {
    meters.length = 0;
    list.replaceChildren(...patterns.map((p, n) => {
      const meter = make("span", {});
      meters.push(meter);
      return make("div", { class: "rnnfig-thumb" },
        button("", () => change([...p]), { "aria-label": say`load ${names[n]}` }),
        tick(say`stored`, stored[n], (on) => {
          runner.stop();
          remember();
          stored = stored.map((v, m) => (m === n ? on : v));
          weights = W();
          restart();
          redraw();
        }), meter);
    }));
    list.querySelectorAll("button").forEach((b, n) => b.append(thumb(patterns[n])));
    list.querySelectorAll("input").forEach((b, n) => b.setAttribute("aria-label", say`${names[n]} is stored`));
  };

  const says = status();
  const redraw = () => {
    dots.forEach((dot, i) => dot.setAttribute("aria-pressed", String(state[i] > 0)));
    const m = patterns.map((p) => overlap(p, state)), count = stored.filter(Boolean).length;
    meters.forEach((meter, n) => (meter.textContent = `m = ${num(m[n])}`));
    const settled = weights && hopfieldUpdate(weights, state).every((v, j) => v === state[j]);
    const best = m.map((v, n) => [Math.abs(v), n]).filter(([, n]) => stored[n]).sort((a, b) => b[0] - a[0])[0];
    let what = "";
    if (!weights) what = say`Nothing is stored: all weights are zero.`;
    else if (!settled) what = say`${hopfieldUpdate(weights, state).filter((v, j) => v !== state[j]).length} units want to flip.`;
    else if (m[best[1]] === 1) what = say`Settled: this is ${names[best[1]]}.`;
    else if (m[best[1]] === -1) what = say`Settled: this is ${names[best[1]]} reversed, a valley as deep as its own.`;
    else what = say`Settled in a valley that nobody stored; nearest is ${names[best[1]]} (overlap ${num(m[best[1]])}).`;
    says.textContent = [say`${count} of ${patterns.length} pictures stored in ${N} units. Energy ${num(level(), 1)} after ${flips} flips.`, what].join(" ");
    undoing.disabled = !past.length;
    oneStep.disabled = Boolean(settled) || !weights;
    runner.disabled = Boolean(settled) || !weights;
    curve.redraw();
  };
  const undoing = button(say`Undo`, () => {
    runner.stop();
    ({ state, stored, patterns, names, energies, flips } = past.pop());
    weights = W();
    queue = [];
    calm = 0;
    fill();
    redraw();
    tell(model, { state });
  });
  const oneStep = button(say`One flip`, one);
  runner.classList.add("rnnfig-main");
  const noise = () => change(state.map((v) => (draw() < 0.2 ? -v : v)));
  const keep = () => {
    runner.stop();
    remember();
    patterns = [...patterns, [...state]];
    names = [...names, say`drawing ${patterns.length - first.patterns.length}`];
    stored = [...stored, true];
    weights = W();
    restart();
    fill();
    redraw();
  };

  root.append(
    list,
    make("div", { class: "rnnfig-pair" },
      make("div", {}, grid),
      make("div", {}, row(runner, oneStep, undoing), row(button(say`Noise: flip 20 %`, noise), button(say`Reverse`, () => change(state.map((v) => -v))), button(say`Clear`, () => change(state.map(() => -1)))),
        row(button(say`Store this drawing`, keep), button(say`Reset`, () => {
          runner.stop();
          ({ patterns, names } = first);
          stored = [...first.stored];
          state = [...first.state];
          past = [];
          draw = generator(model.get("seed"));
          weights = W();
          restart();
          fill();
          redraw();
          tell(model, { state });
        })), curve)),
    says,
  );
  restart();
  fill();
  redraw();
}
export default { render };
