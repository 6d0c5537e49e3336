// One LSTM unit whose gates the reader sets, step after step.

const DOES = { hold: { f: 1, i: 0 }, overwrite: { f: 0, i: 1 }, add: { f: 1, i: 1 }, clear: { f: 0, i: 0 } };

function render({ model, el }) {
  speak(model);
  const g = model.get("candidates"), T = g.length;
  const begin = { f: 0.5, i: 0.5, o: 0.5 };
  let gates = { ...begin }, done = [], past = [];

  const [when, out] = [model.get("write_at"), model.get("read_at")];
  const goal = g.map((_, k) => (k === out - 1 ? Math.tanh(g[when - 1]) : 0));
  const root = frame(el, say`An LSTM cell whose gates you set`,
    say`the candidate at step ${when} is worth keeping, the others are noise. Set the gates before each step so that h stays
      silent and says tanh(${num(g[when - 1], 1)}) = ${num(goal[out - 1])} at step ${out}: meet the thick marks. Then watch the red bars: what must f have been?`);

  const at = () => (done.length ? done[done.length - 1] : { c: 0, h: 0 });
  const ahead = () => {
    const k = Math.min(done.length, T - 1);
    const { c, h } = lstmState([gates.i], [gates.f], [g[k]], [gates.o], [at().c]);
    return { ...gates, g: g[k], c: c[0], h: h[0] };
  };
  // ∂c_now / ∂c_k along the cell's own path: the product of the forget gates after k.
  const flow = () => done.map((_, k) => done.slice(k + 1).reduce((p, s) => p * s.f, 1));

  const scheme = canvas((width) => {
    const over = done.length === T, s = over ? { ...done[T - 1] } : ahead(), c0 = over ? (done[T - 2] || { c: 0 }).c : at().c;
    const u = width / 6.2, x = [0.55, 1.75, 2.75, 3.75, 4.65, 5.6].map((v) => v * u), y = 38, low = 112, parts = [];
    const pipe = (x1, y1, x2, y2, gate, colour) => [
      line(x1, y1, x2, y2, "faint", { "stroke-width": 13 }),
      gate > 0.02 ? line(x1, y1, x2, y2, colour, { "stroke-width": 1.5 + 10 * gate }) : null];
    const box = (cx, cy, name, v, colour) => [
      make("rect", { x: cx - u * 0.44, y: cy - 20, width: u * 0.88, height: 40, rx: 6, fill: paint("raised"), stroke: paint(colour), "stroke-width": 2 }),
      words(cx, cy - 4, name), words(cx, cy + 13, num(v), { "font-weight": "bold" })];
    const valve = (cx, cy, name, v) => [
      make("circle", { cx, cy, r: 17, fill: paint("ground"), stroke: paint("gate"), "stroke-width": 3 }),
      words(cx, cy - 1, `×${name}`), words(cx, cy + 12, num(v), { "font-size": 11 })];
    parts.push(pipe(x[0], y, x[1], y, 1, "cell"), pipe(x[1], y, x[2], y, s.f, "cell"), pipe(x[2], y, x[3], y, 1, "cell"));
    parts.push(pipe(x[1] - u * 0.6, low, x[2] - u * 0.15, low, 1, "neutral"), pipe(x[2], low, x[2], y, s.i, "neutral"));
    parts.push(pipe(x[3], y, x[4], y, 1, "cell"), pipe(x[4], y, x[5], y, s.o, "hidden"));
    parts.push(box(x[0], y, say`c old`, c0, "cell"), valve(x[1], y, "f", s.f), valve(x[2], low, "i", s.i), box(x[1] - u * 0.6, low, "g", s.g, "neutral"));
    parts.push(make("circle", { cx: x[2], cy: y, r: 14, fill: paint("ground"), stroke: paint("cell"), "stroke-width": 2 }), words(x[2], y + 5, "+", { "font-size": 18 }));
    parts.push(box(x[3], y, "c", s.c, "cell"), valve(x[4], y, "o", s.o), box(x[5], y, "h", s.h, "hidden"));
    parts.push(words(x[4], y + 34, "tanh c"));
    parts.push(words(width - 6, low + 34, over ? say`step ${T}, the last` : say`step ${done.length + 1}, as the gates stand`, { "text-anchor": "end" }));
    return { height: 152, parts, label: say`Step ${Math.min(done.length + 1, T)}: c = f ${num(s.f)} times ${num(c0)} plus i ${num(s.i)} times g ${num(s.g)} = ${num(s.c)}; h = o ${num(s.o)} times tanh c = ${num(s.h)}.` };
  });

  const record = canvas((width) => {
    const of = (key) => done.map((s) => s[key]);
    const { parts, height } = strip(width, T, [
      { name: "g", colour: "neutral", values: g, signed: true },
      { name: "i", colour: "gate", values: of("i") }, { name: "f", colour: "gate", values: of("f") }, { name: "o", colour: "gate", values: of("o") },
      { name: "c", colour: "cell", values: of("c"), signed: true },
      { name: "h", colour: "hidden", values: of("h"), signed: true, wanted: goal },
      { name: "∂c/∂cₖ", colour: "gradient", values: flow() },
    ], done.length);
    return { height, parts, label: done.length
      ? say`After ${done.length} steps: c ${of("c").map((v) => num(v)).join(", ")}; h ${of("h").map((v) => num(v)).join(", ")}; gradient of the last c to each earlier one ${flow().map((v) => num(v)).join(", ")}.`
      : say`No step made yet. Candidates: ${g.map((v) => num(v)).join(", ")}.` };
  });

  const says = status();
  const write = () => {
    const s = done.length < T ? ahead() : null;
    const off = done.map((d, k) => Math.abs(d.h - goal[k])), worst = off.length ? Math.max(...off) : 0;
    if (s) {
      says.textContent = [say`Next, step ${done.length + 1}: c = ${num(s.f)} · ${num(at().c)} + ${num(s.i)} · ${num(s.g)} = ${num(s.c)}, h = ${num(s.o)} · tanh(${num(s.c)}) = ${num(s.h)}.`,
        done.length ? say`So far h is off by at most ${num(worst)}.` : ""].join(" ");
    } else if (worst < 0.03) {
      says.textContent = say`Done, h is off by at most ${num(worst)}. You wrote once, held, and opened the output once. The gradient of the last c to the one of step ${when} is ${num(flow()[when - 1])}: a cell that remembers lets the gradient through.`;
    } else {
      says.textContent = say`All ${T} steps made. h is off by ${num(worst)} at step ${off.indexOf(worst) + 1}; the gradient to step ${when} is ${num(flow()[when - 1])}. Undo, or start again.`;
    }
    step.disabled = done.length >= T;
    undoing.disabled = !past.length;
    for (const [name, s_] of Object.entries(sliders)) s_.set(gates[name]);
    for (const [name, b] of Object.entries(modes)) b.setAttribute("aria-pressed", String(gates.f === DOES[name].f && gates.i === DOES[name].i));
  };
  const redraw = () => { scheme.redraw(); record.redraw(); write(); tell(model, { history: done }); };
  const sliders = Object.fromEntries([["f", say`f, forget gate`], ["i", say`i, input gate`], ["o", say`o, output gate`]].map(([name, label]) => [name,
    slider({ label, min: 0, max: 1, step: 0.05, value: gates[name], change: (v) => { gates = { ...gates, [name]: v }; redraw(); } })]));
  const does = { hold: say`hold`, overwrite: say`overwrite`, add: say`add`, clear: say`clear` };
  const modes = Object.fromEntries(Object.entries(DOES).map(([name, set]) => [name, button(does[name], () => { gates = { ...gates, ...set }; redraw(); }, { "aria-pressed": "false" })]));
  const step = button(say`Make this step`, () => { past.push({ gates, done }); done = [...done, ahead()]; redraw(); }, { class: "rnnfig-main" });
  const undoing = button(say`Undo`, () => { ({ gates, done } = past.pop()); redraw(); });

  root.append(
    make("div", { class: "rnnfig-pair" },
      make("div", {}, row(sliders.f), row(sliders.i), row(sliders.o)),
      make("div", {}, row(make("span", {}, say`f and i that`), Object.values(modes)), row(make("span", {}, say`Output`), button(say`shut`, () => { gates = { ...gates, o: 0 }; redraw(); }), button(say`open`, () => { gates = { ...gates, o: 1 }; redraw(); })))),
    row(step, undoing, button(say`Reset`, () => { gates = { ...begin }; done = []; past = []; redraw(); })),
    scheme, says, record,
  );
  redraw();
}
export default { render };
