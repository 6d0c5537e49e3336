// Unrolling: a loop becomes a row of copies that share their weights.

const sequences = () => [
  [say`pulse`, [1, 0, 0, 0, 0, 0]], [say`all ones`, [1, 1, 1, 1, 1, 1]], [say`to and fro`, [1, -1, 1, -1, 1, -1]], [say`silence`, [0, 0, 0, 0, 0, 0]]];
const SUB = (n) => [...String(n)].map((c) => "₀₁₂₃₄₅₆₇₈₉"[c]).join("");

function render({ model, el }) {
  speak(model);
  const T = 6, later = 30;
  const start = { ...model.get("weights") };
  let w = { ...start }, xs = [...model.get("inputs")], copies = 0, lit = null, past = [];
  const firstInputs = [...xs];

  const root = frame(el, say`Unrolling a net, step by step`,
    say`unroll the loop, one copy at a time, and watch what grows and what does not. Then move W: it changes in every copy at
      once. From which W on does the state still remember the pulse after 30 steps? What does a negative W do?`);

  const params = () => ({ weight_ih: [[w.U]], weight_hh: [[w.W]], bias_ih: [w.b], bias_hh: [0] });
  const states = (n) => rnnForward(params(), [...Array(n).keys()].map((t) => [t < T ? xs[t] : 0]), [0]).map(([h]) => h);
  const output = (h) => w.V * h + w.c;

  const drawing = canvas((width) => {
    const column = width / (T + 1), box = Math.min(52, column - 14), parts = [], hs = states(T);
    const [yo, yh, yx] = [28, 108, 188];
    const strong = (name) => ({ opacity: lit && lit !== name ? 0.3 : 1, "data-weight": name, class: lit === name ? "lit" : "" });
    const cell = (x, y, text, colour, dash) => [
      make("rect", { x: x - box / 2, y: y - 15, width: box, height: 30, rx: 6, fill: paint("raised"), stroke: paint(colour), "stroke-width": 2, "stroke-dasharray": dash || "" }),
      words(x, y + 4.5, text, { "font-size": box < 40 ? 11.5 : 13 })];
    const weights = (x) => [
      make("g", strong("U"), arrow(x, yx - 16, x, yh + 17, "input"), words(x + 5, (yx + yh) / 2 + 5, "U", { "text-anchor": "start", "font-weight": "bold" })),
      make("g", strong("V"), arrow(x, yh - 16, x, yo + 17, "output"), words(x + 5, (yo + yh) / 2 + 5, "V", { "text-anchor": "start", "font-weight": "bold" }))];
    const x0 = column / 2;
    parts.push(cell(x0, yx, "x", "input"), cell(x0, yh, "h", "hidden"), cell(x0, yo, "o", "output"), weights(x0));
    parts.push(make("g", strong("W"),
      make("path", { d: `M${x0 - box / 2 + 6},${yh + 15}C${x0 - box / 2 - 4},${yh + 50} ${x0 - 4},${yh + 44} ${x0 - 10},${yh + 24}`, fill: "none", stroke: paint("hidden"), "stroke-width": 2 }),
      make("polygon", { points: `${x0 - 12},${yh + 16} ${x0 - 15},${yh + 26} ${x0 - 6},${yh + 24}`, fill: paint("hidden") }),
      words(Math.max(8, x0 - box / 2), yh + 58, "W", { "font-weight": "bold" })));
    parts.push(words(x0, 226, say`loop`));
    if (copies) parts.push(line(column, 4, column, 216, "neutral", { "stroke-dasharray": "2 4" }));
    for (let t = 1; t <= copies; t++) {
      const x = column * (t + 0.5);
      parts.push(cell(x, yx, num(xs[t - 1], 0), "input"), cell(x, yh, num(hs[t]), "hidden"), cell(x, yo, num(output(hs[t])), "output"), weights(x));
      const from = t === 1 ? column + 3 : x - column + box / 2;
      parts.push(make("g", strong("W"), arrow(from, yh, x - box / 2 - 1, yh, "hidden"),
        words(x - column / 2 + (t === 1 ? -9 : 0) * (column > 60 ? -1 : -0.9), yh - 20, "W", { "font-weight": "bold" })));
      parts.push(words(x, 226, `t=${t}`));
    }
    return { height: 232, parts, label: copies
      ? say`The loop, and ${copies} copies of the net side by side. States: ${hs.slice(1, copies + 1).map((h) => num(h)).join(", ")}.`
      : say`The net folded: an input x, a state h with a loop onto itself, an output o.` };
  });

  const trace = canvas((width) => {
    const hs = states(later);
    const { parts } = chart(width, 170, { x: [0, later], y: [-1, 1], xname: say`step t`, yname: "h", at: copies || undefined,
      series: [{ name: say`state`, colour: "hidden", points: hs.map((h, t) => [t, h]), mark: true }] });
    return { height: 170, parts, label: say`The state over ${later} steps, with inputs 0 after step ${T}. At step ${later} it is ${num(hs[later])}.` };
  });

  const says = status(), formula = make("p", {});
  const write = () => {
    const hs = states(later), t = copies;
    const nested = (n) => (n === 0 ? "h₀" : `tanh(U x${SUB(n)} + W ${nested(n - 1)} + b)`);
    const minus = (v) => num(v, 1);
    formula.replaceChildren(make("b", {}, t ? `h${SUB(t)} = ${nested(t)}` : "hₜ = tanh(U xₜ + W hₜ₋₁ + b)"),
      make("br"), t ? `= tanh(${minus(w.U)} · ${num(xs[t - 1], 0)} + ${minus(w.W)} · ${num(hs[t - 1])} + ${minus(w.b)}) = ${num(hs[t])}` : "oₜ = V hₜ + c,  h₀ = 0");
    const memory = Math.abs(hs[later]) > 0.05 ? say`After ${later} steps the state is still ${num(hs[later])}.` : say`After ${later} steps nothing is left of the inputs (${num(hs[later])}).`;
    says.textContent = t ? [t === 1 ? say`1 copy of the net, and still five parameters: U, W, V, b, c.` : say`${t} copies of the net, and still five parameters: U, W, V, b, c.`, memory].join(" ")
      : say`Folded: one net, five parameters, and a loop that you cannot compute in one go. Unroll it.`;
    inputs.forEach((b, k) => {
      b.textContent = `x${SUB(k + 1)} = ${num(xs[k], 0)}`;
      b.setAttribute("aria-label", say`${b.textContent}, press for the next value`);
    });
    more.disabled = copies >= T;
    undoing.disabled = !past.length;
    for (const [name, s] of Object.entries(sliders)) s.set(w[name]);
  };
  const redraw = () => { drawing.redraw(); trace.redraw(); write(); };
  let last = null;
  const change = (what, act) => {
    if (what !== last || what === "press") past.push({ w, xs, copies });
    last = what;
    act();
    redraw();
    tell(model, { weights: w, inputs: xs });
  };
  const sliders = Object.fromEntries(["U", "W", "V", "b", "c"].map((name) => {
    const s = slider({ label: name, name: name === name.toLowerCase() ? say`${name}, bias` : say`${name}, weight`, min: -2, max: 2, step: 0.1, value: w[name], digits: 1, change: (v) => change(name, () => { w = { ...w, [name]: v }; lit = name.match(/[UWV]/) ? name : null; }) });
    s.input.addEventListener("focus", () => { lit = name.match(/[UWV]/) ? name : null; drawing.redraw(); });
    s.input.addEventListener("blur", () => { lit = null; drawing.redraw(); });
    return [name, s];
  }));
  const inputs = xs.map((_, k) => button("", () => change("press", () => { xs = xs.map((x, j) => (j === k ? (x === 0 ? 1 : x === 1 ? -1 : 0) : x)); })));
  const more = button(say`Unroll one step`, () => change("press", () => { copies += 1; }), { class: "rnnfig-main" });
  const undoing = button(say`Undo`, () => { ({ w, xs, copies } = past.pop()); last = null; redraw(); tell(model, { weights: w, inputs: xs }); });

  root.append(
    row(more, button(say`Fold`, () => change("press", () => { copies = 0; })), undoing,
      button(say`Reset`, () => { w = { ...start }; xs = [...firstInputs]; copies = 0; past = []; last = null; redraw(); tell(model, { weights: w, inputs: xs }); })),
    drawing, formula, says,
    make("div", { class: "rnnfig-pair" },
      make("div", {}, ["W", "U", "b", "V", "c"].map((name) => row(sliders[name]))),
      make("div", {}, row(inputs), row(make("span", {}, say`Inputs:`), sequences().map(([name, s]) => button(name, () => change("press", () => { xs = [...s]; })))))),
    trace,
  );
  redraw();
}
export default { render };
