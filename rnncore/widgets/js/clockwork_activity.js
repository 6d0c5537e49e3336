// The Clockwork RNN: who runs when, what that costs, and what the modules hold meanwhile.

const CLOCKS = ["1, 2, 4, 8", "1, 2, 4, 8, 16", "1, 3, 9", "1, 2, 3, 4", "2, 3, 5, 7"];

// Strictly increasing whole numbers, or a sentence that says what is wrong.
function readPeriods(text, most) {
  const parts = text.split(/[\s,;]+/).filter(Boolean).map(Number);
  if (!parts.length || parts.some((p) => !Number.isInteger(p) || p < 1 || p > 64)) return say`Periods are whole numbers from 1 to 64, such as 1, 2, 4, 8.`;
  if (parts.length > most) return say`At most ${most} modules.`;
  if (parts.some((p, k) => k && p <= parts[k - 1])) return say`Each period has to be larger than the one before.`;
  return parts;
}

function render({ model, el }) {
  speak(model);
  const all = model.get("params"), most = all.bias_ih.length, T = model.get("steps");
  const first = [...model.get("periods")];
  let periods = [...first], t = 0, past = [];

  const root = frame(el, say`Who runs when: the Clockwork RNN`,
    say`step through time and say, before you press, which modules will run. How often does the slowest one see the input?
      Then try periods without a 1: at which steps is the net deaf?`);

  const G = () => periods.length;
  const input = (k) => 0.8 * Math.sin(0.2 * k) + 0.4 * Math.sin(2.4 * k + 1);
  const params = () => ({
    weight_ih: all.weight_ih.slice(0, G()), bias_ih: all.bias_ih.slice(0, G()), bias_hh: all.bias_hh.slice(0, G()),
    weight_hh: all.weight_hh.slice(0, G()).map((r) => r.slice(0, G())),
  });
  const states = () => {
    const hs = [zeros(G())];
    for (let k = 0; k < T; k++) hs.push(clockworkStep(params(), periods, [input(k)], hs[k], k));
    return hs.slice(1);
  };
  const running = (k) => periods.map((p, m) => (ticks(p, k) ? m : -1)).filter((m) => m >= 0);
  const blocks = (k) => sum(running(k).map((m) => G() - m));
  const share = () => sum(periods.map((p, m) => (G() - m) / p)) / G() ** 2;

  const pattern = canvas((width) => {
    const left = 58, column = (width - left - 4) / T, high = 24, parts = [];
    parts.push(make("rect", { x: left + t * column - 1, y: 0, width: column + 2, height: G() * high + 24, rx: 3, fill: paint("raised"), stroke: paint("ink") }));
    periods.forEach((p, m) => {
      parts.push(words(2, m * high + 19, `T${"₁₂₃₄₅₆"[m]} = ${p}`, { "text-anchor": "start" }));
      parts.push(line(left, m * high + 15, left + T * column, m * high + 15, "faint"));
      for (let k = 0; k < T; k++) {
        if (ticks(p, k)) {
          const s = Math.min(14, column - 1.5);
          parts.push(make("rect", { x: left + (k + 0.5) * column - s / 2, y: m * high + 15 - s / 2, width: s, height: s,
            fill: k <= t ? paint("hidden") : paint("ground"), stroke: paint("hidden"), "stroke-width": 1.5 }));
        }
      }
    });
    for (let k = 0; k < T; k += width < 480 ? 8 : 4) parts.push(words(left + (k + 0.5) * column, G() * high + 18, String(k)));
    parts.push(words(2, G() * high + 18, say`step t`, { "text-anchor": "start" }));
    return { height: G() * high + 26, parts, label: say`Activity of ${G()} modules with periods ${periods.join(", ")} over ${T} steps. At step ${t} ${running(t).length} of them run.` };
  });

  const matrix = canvas((width) => {
    const cell = Math.min(34, (width - 90) / G()), x0 = 62, y0 = 26, parts = [words(x0 + (cell * G()) / 2, 14, say`W at step ${t}`)];
    periods.forEach((p, i) => {
      const on = ticks(p, t);
      parts.push(words(x0 - 8, y0 + (i + 0.5) * cell + 5, on ? say`${i + 1} runs` : say`${i + 1} holds`, { "text-anchor": "end" }));
      periods.forEach((_, j) => {
        const there = j >= i;
        parts.push(make("rect", { x: x0 + j * cell + 1, y: y0 + i * cell + 1, width: cell - 2, height: cell - 2, fill: there ? (on ? paint("hidden") : paint("ground")) : "none", stroke: paint(there ? "hidden" : "faint"), "stroke-width": 1.5, "stroke-dasharray": there ? "" : "2 3" }));
        if (!there) parts.push(words(x0 + (j + 0.5) * cell, y0 + (i + 0.5) * cell + 5, "0", { fill: paint("ink") }));
      });
    });
    return { height: y0 + cell * G() + 8, parts, label: say`Blocks of W that are multiplied at step ${t}: ${blocks(t)} of ${G() ** 2}. A module hears itself and slower ones.` };
  });

  const trace = canvas((width) => {
    const hs = states(), left = 58, high = 44, parts = [], column = (width - left - 4) / T;
    parts.push(line(left + (t + 0.5) * column, 0, left + (t + 0.5) * column, (G() + 1) * high, "ink", { "stroke-dasharray": "3 3" }));
    const curve = (values, y, colour, steps) => {
      const Y = (v) => y + 20 - v * 17, points = [];
      values.forEach((v, k) => {
        if (steps) points.push(`${left + k * column},${Y(v)}`, `${left + (k + 1) * column},${Y(v)}`);
        else points.push(`${left + (k + 0.5) * column},${Y(v)}`);
      });
      return [line(left, y + 20, left + T * column, y + 20, "faint"), make("polyline", { points: points.join(" "), fill: "none", stroke: paint(colour), "stroke-width": 2 })];
    };
    parts.push(words(2, 24, say`input x`, { "text-anchor": "start" }), curve([...Array(T).keys()].map(input), 0, "input", false));
    periods.forEach((_, m) => parts.push(words(2, (m + 1) * high + 24, say`h of ${m + 1}`, { "text-anchor": "start" }), curve(hs.slice(0, t + 1).map((h) => h[m]), (m + 1) * high, "hidden", true)));
    return { height: (G() + 1) * high + 4, parts, label: say`Input and states up to step ${t}. States now: ${hs[t].map((v) => num(v)).join(", ")}.` };
  });

  const says = status(), cost = make("p", {});
  const write = () => {
    const on = running(t), off = periods.map((_, m) => m).filter((m) => !on.includes(m)), list = (ms) => ms.map((m) => m + 1).join(", ");
    const dividers = on.map((m) => periods[m]).join(", ");
    says.textContent = [
      on.length > 1 ? say`Step ${t}: modules ${list(on)} run, because ${dividers} divide ${t}.`
        : on.length ? say`Step ${t}: module ${list(on)} runs, because ${dividers} divides ${t}.`
          : say`Step ${t}: no period divides ${t}. Nothing runs, and what comes in is never seen.`,
      off.length > 1 ? say`Modules ${list(off)} hold their states.` : off.length ? say`Module ${list(off)} holds its state.` : say`All run.`,
      say`${blocks(t)} of ${G() ** 2} blocks of W are multiplied.`].join(" ");
    const hops = periods.map((p) => Math.floor((T - 1) / p));
    cost.textContent = say`On average a step multiplies ${num(100 * share(), 0)} % of what a dense RNN of the same size does. From step ${T - 1} back to step 0 a gradient that stays in module 1 passes ${hops[0]} tanh, one in module ${G()} passes ${hops[G() - 1]}.`;
    times_.set(t);
    undoing.disabled = !past.length;
    step.disabled = t >= T - 1;
    text.value = periods.join(", ");
  };
  const redraw = () => { pattern.redraw(); matrix.redraw(); trace.redraw(); write(); };
  const times_ = slider({ label: say`step t`, min: 0, max: T - 1, step: 1, value: 0, digits: 0, change: (v) => { walk.stop(); t = v; redraw(); } });
  const step = button(say`One step`, () => { walk.stop(); past.push({ periods, t }); t += 1; redraw(); }, { class: "rnnfig-main" });
  const walk = player(say`Play`, () => { if (t < T - 1) { t += 1; redraw(); } return t < T - 1; }, 400);
  const undoing = button(say`Undo`, () => { walk.stop(); ({ periods, t } = past.pop()); wrong.textContent = ""; redraw(); tell(model, { periods }); });
  const wrong = make("span", { role: "alert" });
  const text = make("input", { type: "text", "aria-label": say`periods, each larger than the one before`, size: 14, value: periods.join(", "), onchange: () => take(text.value) });
  const take = (value) => {
    const read = readPeriods(value, most), fine = Array.isArray(read);
    text.setAttribute("aria-invalid", String(!fine));
    wrong.textContent = fine ? "" : read;
    if (!fine) return;
    past.push({ periods, t });
    periods = read;
    redraw();
    tell(model, { periods });
  };

  root.append(
    row(make("label", {}, make("span", {}, say`periods`), text), CLOCKS.map((c) => button(c, () => take(c))), wrong),
    row(times_, step, walk, undoing, button(say`Reset`, () => { walk.stop(); periods = [...first]; t = 0; past = []; wrong.textContent = ""; redraw(); tell(model, { periods }); })),
    pattern, says, make("div", { class: "rnnfig-pair" }, matrix, trace), cost,
  );
  redraw();
}
export default { render };
