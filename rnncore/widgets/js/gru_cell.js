// One GRU unit: z slides the state between what it was and the candidate, r decides what the candidate sees.

function render({ model, el }) {
  speak(model);
  const xs = model.get("inputs"), T = xs.length, weights = model.get("weights");
  const begin = { z: 0.5, r: 1 };
  let gates = { ...begin }, done = [], past = [], writes = false;
  const [when, until] = [model.get("write_at"), model.get("read_at")];

  const root = frame(el, say`A GRU cell: z and r`,
    say`catch the candidate of step ${when} and carry it to step ${until}, through the noise. Which z does that, and what is the gradient then?
      Then find the pair that makes the unit an ordinary one without a past, and the pair that makes it a simple RNN.`);

  const before = (k = done.length) => (k ? done[k - 1].h : 0);
  // The slider shows the z of the convention that is chosen; the formulas keep with z, as PyTorch does.
  const keep = () => (writes ? 1 - gates.z : gates.z);
  const candidate = (r, x, h) => gruCandidate([r], [weights.U * x + weights.b], [weights.W * h + weights.c])[0];
  const ahead = () => {
    const k = Math.min(done.length, T - 1), h0 = before(k), n = candidate(gates.r, xs[k], h0);
    return { x: xs[k], r: gates.r, z: keep(), n, h0, h: gruState([keep()], [n], [h0])[0] };
  };
  const flow = () => done.map((_, k) => done.slice(k + 1).reduce((p, s) => p * s.z, 1));
  const now = () => (done.length < T ? ahead() : done[T - 1]);

  // The state between its old value and the candidate, on a line from -1 to 1.
  const ruler = canvas((width) => {
    const s = now(), X = (v) => 24 + ((v + 1) / 2) * (width - 48), y = 62, parts = [line(X(-1), y, X(1), y, "ink")];
    for (const v of [-1, -0.5, 0, 0.5, 1]) parts.push(line(X(v), y - 5, X(v), y + 5, "ink"), Math.abs(X(v) - X(s.h)) > 22 ? words(X(v), y + 20, num(v, 1)) : null);
    parts.push(line(X(s.h0), y, X(s.n), y, "gate", { "stroke-width": 6 }));
    const pin = (v, above, name, colour, shape) => [
      line(X(v), y, X(v), above ? y - 24 : y + 34, colour, { "stroke-width": 2 }),
      shape === "square" ? make("rect", { x: X(v) - 6, y: y - 6, width: 12, height: 12, fill: paint(colour) }) : make("circle", { cx: X(v), cy: y, r: 6, fill: shape === "open" ? paint("ground") : paint(colour), stroke: paint(colour), "stroke-width": 2.5 }),
      words(Math.min(width - 66, Math.max(66, X(v))), above ? y - 29 : y + 47, `${name} ${num(v)}`, { "font-weight": "bold" })];
    const close = Math.abs(X(s.h0) - X(s.n)) < 110;
    parts.push(pin(s.h0, true, say`h before`, "hidden", "open"));
    if (close) parts.push(line(X(s.n), y, X(s.n), y - 42, "output", { "stroke-width": 2 }), make("rect", { x: X(s.n) - 6, y: y - 6, width: 12, height: 12, fill: paint("output") }), words(Math.min(width - 66, Math.max(66, X(s.n))), y - 47, say`candidate n ${num(s.n)}`, { "font-weight": "bold" }));
    else parts.push(pin(s.n, true, say`candidate n`, "output", "square"));
    parts.push(pin(s.h, false, say`new h`, "hidden", "full"));
    return { height: 116, parts, label: say`State before ${num(s.h0)}, candidate ${num(s.n)}; the new state ${num(s.h)} lies between them, ${num(s.z)} of the way from the candidate back to the old state.` };
  });

  const record = canvas((width) => {
    const of = (key) => done.map((s) => s[key]), { parts, height } = strip(width, T, [
      { name: "x", colour: "input", values: xs, signed: true },
      { name: "r", colour: "gate", values: of("r") }, { name: writes ? "1 − z" : "z", colour: "gate", values: of("z") },
      { name: "n", colour: "output", values: of("n"), signed: true },
      { name: "h", colour: "hidden", values: of("h"), signed: true, wanted: done[when - 1] ? xs.map((_, k) => (k >= when - 1 && k < until ? done[when - 1].n : null)) : undefined },
      { name: "∏z", colour: "gradient", values: flow() },
    ], done.length);
    return { height, parts, label: done.length
      ? say`After ${done.length} steps: states ${of("h").map((v) => num(v)).join(", ")}; gradient kept by z alone from the last state to each earlier one ${flow().map((v) => num(v)).join(", ")}.`
      : say`No step made yet. Inputs: ${xs.map((v) => num(v)).join(", ")}.` };
  });

  const says = status();
  const write = () => {
    const s = now();
    const text = [done.length < T
      ? say`Next, step ${done.length + 1}: n = tanh(${num(weights.U, 1)} · ${num(s.x)} + ${num(s.r)} · ${num(weights.W, 1)} · ${num(s.h0)}) = ${num(s.n)}; h = ${num(s.z)} · ${num(s.h0)} + ${num(1 - s.z)} · ${num(s.n)} = ${num(s.h)}.`
      : say`All ${T} steps made.`];
    if (done.length >= until) {
      const off = Math.abs(done[until - 1].h - done[when - 1].n), left = done.slice(when, until).reduce((p, d) => p * d.z, 1);
      text.push(off < 0.03
        ? say`Carried: at step ${until} the state is off by ${num(off)}, and z lets ${num(left)} of the gradient back to step ${when}.`
        : say`At step ${until} the state was off by ${num(off)}; z lets ${num(left)} of the gradient back to step ${when}.`);
    } else if (done.length < T && s.z === 0) {
      if (s.r === 0) text.push(say`With z and r like this the past plays no part: a feed-forward unit.`);
      if (s.r === 1) text.push(say`With z and r like this it is the simple RNN.`);
    }
    says.textContent = text.join(" ");
    step.disabled = done.length >= T;
    undoing.disabled = !past.length;
    sliders.z.set(gates.z);
    sliders.r.set(gates.r);
    meaning.textContent = writes ? say`h = (1 − z) · h before + z · n: z = 1 replaces (Cho et al.)` : say`h = z · h before + (1 − z) · n: z = 1 keeps (PyTorch, and this book)`;
  };
  const redraw = () => { ruler.redraw(); record.redraw(); write(); tell(model, { history: done }); };
  const meaning = make("p", {});
  const sliders = {
    z: slider({ label: say`z, update gate`, min: 0, max: 1, step: 0.05, value: gates.z, change: (v) => { gates = { ...gates, z: v }; redraw(); } }),
    r: slider({ label: say`r, reset gate`, min: 0, max: 1, step: 0.05, value: gates.r, change: (v) => { gates = { ...gates, r: v }; redraw(); } }),
  };
  const step = button(say`Make this step`, () => { past.push({ gates, done }); done = [...done, ahead()]; redraw(); }, { class: "rnnfig-main" });
  const undoing = button(say`Undo`, () => { ({ gates, done } = past.pop()); redraw(); });
  const other = tick(say`the other convention for z`, false, (on) => { writes = on; gates = { ...gates, z: Number((1 - gates.z).toFixed(2)) }; past = past.map((p) => ({ ...p, gates: { ...p.gates, z: Number((1 - p.gates.z).toFixed(2)) } })); redraw(); });

  root.append(
    make("div", { class: "rnnfig-pair" }, make("div", {}, row(sliders.z), row(sliders.r)), make("div", {}, meaning, row(other))),
    row(step, undoing, button(say`Reset`, () => { gates = { ...begin, z: 0.5 }; done = []; past = []; redraw(); })),
    ruler, says, record,
  );
  redraw();
}
export default { render };
