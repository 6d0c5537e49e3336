// A tiny net that trains in the page. One update is 2T + 2 small steps: T forward, the loss, T backward, the update.

const tinyTasks = () => ({
  recall: say`say at the end what came first`,
  wave: say`predict the next value of a wave`,
});

// Sequence k of a task: inputs (T, 1) and targets, null where there is none.
function tinyData(task, T, k, noise) {
  if (task === "wave") {
    const value = (t) => 0.8 * Math.sin(0.9 * t + 1.7 * (k % 4));
    const steps = [...Array(T).keys()];
    return { xs: steps.map((t) => [value(t)]), targets: steps.map((t) => (t < T / 2 - 1 ? null : value(t + 1))) };
  }
  const sign = k % 2 ? -1 : 1;
  const xs = [...Array(T).keys()].map((t) => [t ? noise[(k * 5 + t) % noise.length] : sign]);
  return { xs, targets: xs.map((_, t) => (t === T - 1 ? sign * 0.8 : null)) };
}

function scaled(params, factor) {
  const cell = { ...params.cell, weight_hh: mapped((w) => w * factor, params.cell.weight_hh) };
  return { ...params, cell };
}

function render({ model, el }) {
  speak(model);
  const first = model.get("params"), noise = model.get("noise");
  let task = model.get("task"), T = model.get("length"), rate = model.get("learning_rate"), factor = 1;
  let params, updates, losses, past, data, pass, phase, at, logarithmic = false;

  const root = frame(el, say`A tiny RNN that trains in this page`,
    say`press “Next step” through one forward and one backward sweep, and watch the red bars. Then train 100 updates.
      Make the sequence longer, or the recurrent weights at the start smaller: how far back does the gradient reach?`);

  const begin = () => {
    params = scaled(first, factor);
    updates = 0;
    losses = [];
    past = [];
    prepare();
  };
  // phase: how many of the small steps of this update have been made, 0 … 2T + 2.
  const prepare = () => {
    data = tinyData(task, T, updates, noise);
    pass = tinyPass(params, data.xs, data.targets);
    phase = 0;
    at = 1;
  };
  const update = () => {
    losses.push(pass.loss);
    params = descend(params, pass.grads, rate);
    updates += 1;
  };
  const forward = () => Math.min(phase, T);
  const reached = () => (phase > T + 1 ? 2 * T + 2 - Math.min(phase, 2 * T + 1) : T + 1);

  const next = () => {
    remember();
    if (phase === 2 * T + 1) {
      update();
      phase += 1;
    } else {
      if (phase > 2 * T + 1) prepare();
      phase += 1;
      at = phase <= T ? phase : phase === T + 1 ? T : reached();
    }
    redraw();
  };
  const sweep = () => {
    if (phase > 2 * T + 1) prepare();
    phase = 2 * T + 1;
    at = 1;
    redraw();
  };
  const finish = () => {
    remember();
    sweep();
  };
  const train = (n) => {
    remember();
    if (phase > 2 * T + 1) prepare();
    for (let k = 0; k < n; k++) {
      update();
      prepare();
    }
    sweep();
  };
  // One press of a button is undone as one.
  const remember = () => {
    past.push({ params, updates, count: losses.length, data, pass, phase, at });
    if (past.length > 500) past.shift();
  };
  const undo = () => {
    const old = past.pop();
    ({ params, updates, data, pass, phase, at } = old);
    losses.length = old.count;
    redraw();
  };

  const drawing = canvas((width) => {
    const left = 62, column = (width - left - 6) / T, H = pass.hs[0].length;
    const X = (t) => left + (t - 0.5) * column, wide = Math.min(12, (column - 8) / H - 2);
    const [yGrad, yOut, yHidden, yIn] = [78, 108, 186, 258], parts = [];
    parts.push(make("rect", { x: X(at) - column / 2 + 1, y: 2, width: column - 2, height: 298, rx: 4, fill: paint("raised") }));
    for (const [y, text, more] of [[yGrad - 30, "‖∂L/∂h‖"], [yOut + 4, "o", say`target`], [yHidden + 4, "h"], [yIn + 4, "x"]]) {
      parts.push(words(2, y, text, { "text-anchor": "start", "font-style": "italic" }));
      if (more) parts.push(words(2, y + 15, more, { "text-anchor": "start" }));
    }
    const reach = pass.totals.map(norm), most = Math.max(...reach.slice(1));
    const share = (v) => (logarithmic ? Math.max(0, 1 + Math.log10(v / most) / 6) : v / most);
    parts.push(line(left, yGrad, width - 4, yGrad, "neutral"));
    for (let t = 1; t <= T; t++) {
      const known = t <= forward(), { xs, targets } = data;
      if (t >= reached() || phase === 2 * T + 2) {
        const high = most > 0 ? share(reach[t]) * 56 : 0;
        parts.push(make("rect", { x: X(t) - wide, y: yGrad - high, width: 2 * wide, height: Math.max(high, 1), fill: paint("gradient") }));
        if (column > 46) parts.push(words(X(t), yGrad - high - 5, size(reach[t])));
        if (t > 1) parts.push(arrow(X(t) - 6, yHidden + 38, X(t) - column + 8, yHidden + 38, "gradient", { bow: 3 }));
      }
      const gap = column - wide * H - 16;
      if (t > 1 && known && gap > 8) parts.push(arrow(X(t) - column + (wide * H) / 2 + 8, yHidden, X(t) - (wide * H) / 2 - 8, yHidden, "hidden"));
      parts.push(line(X(t) - (wide * H) / 2 - 4, yHidden, X(t) + (wide * H) / 2 + 4, yHidden, "neutral"));
      if (known) {
        pass.hs[t].forEach((h, i) => parts.push(bar(X(t) + (i - H / 2) * (wide + 2) + 1, yHidden, wide, 30, h, "hidden")));
        parts.push(line(X(t), yIn - 16, X(t), yHidden + 48, "input"));
        parts.push(line(X(t), yHidden - 34, X(t), yOut + 26, targets[t - 1] === null ? "faint" : "output"));
        if (targets[t - 1] !== null && column > 34) parts.push(words(X(t), yOut + 4, num(pass.ys[t - 1], column > 44 ? 2 : 1)));
      }
      if (targets[t - 1] !== null) parts.push(words(X(t), yOut + 19, num(targets[t - 1], column > 44 ? 2 : 1), { "font-weight": "bold" }));
      parts.push(words(X(t), yIn + 4, num(xs[t - 1][0], column > 44 ? 2 : 1)), words(X(t), yIn + 34, T > 9 && width < 500 ? t : `t=${t}`));
    }
    return {
      height: 302, parts,
      label: [say`The net at ${T} time steps. Forward as far as step ${forward()}.`,
        phase > T + 1 ? say`Gradient norms from step ${reached() || 1} to ${T}: ${reach.slice(Math.max(1, reached())).map(size).join(", ")}.` : say`No gradient yet.`].join(" "),
    };
  });

  const curve = canvas((width) => {
    const shown = losses.length ? losses : [pass.loss];
    const most = Math.max(...shown.slice(-2000), 1e-6), stride = Math.ceil(shown.length / 400);
    const points = shown.map((v, k) => [k + 1, Math.max(v, 1e-8)]).filter((_, k) => k % stride === 0 || k === shown.length - 1);
    const low = 10 ** Math.floor(Math.log10(Math.max(1e-8, Math.min(...shown))));
    const { parts } = chart(width, 170, {
      x: [1, Math.max(10, shown.length)], y: [low, 10 ** Math.ceil(Math.log10(most * 1.01))], log: true,
      xname: say`update`, yname: say`loss`, series: [{ colour: "target", points, mark: points.length < 3 }],
    });
    return { height: 170, parts, label: say`Loss after ${losses.length} updates: ${size(pass.loss)}` };
  });

  const says = status(), numbers = make("table", {});
  const lookAt = slider({ label: say`look at step t`, min: 1, max: T, step: 1, value: 1, digits: 0,
    change: (v) => { at = v; redraw(); } });
  const tell_ = () => {
    const t = at, known = t <= forward();
    const vector = (v) => `(${v.map((x) => num(x)).join(", ")})`;
    const rows = [[`x`, num(data.xs[t - 1][0])]];
    rows.push([say`h = tanh(U x + W h before + b)`, known ? vector(pass.hs[t]) : "–"], ["o = V h + c", known ? num(pass.ys[t - 1]) : "–"]);
    const back = t >= reached() || phase === 2 * T + 2, total = pass.totals[t].map((v) => (v < 0 ? "−" : "") + size(Math.abs(v)));
    rows.push([say`∂L/∂h, all paths`, back ? `(${total.join(", ")})` : "–"], [say`its size`, back ? size(norm(pass.totals[t])) : "–"]);
    numbers.replaceChildren(make("tbody", {}, rows.map(([a, b]) => make("tr", {}, make("th", { scope: "row" }, a), make("td", {}, b)))));
    const ratio = norm(pass.totals[1]) / norm(pass.totals[T]);
    if (phase === 0) says.textContent = say`Update ${updates + 1}: nothing has been read yet. Forward comes first.`;
    else if (phase <= T) says.textContent = say`Forward, step ${phase}: the state takes in x and passes itself on to the right.`;
    else if (phase === T + 1) says.textContent = say`Loss ${size(pass.loss)}: half the squared difference between o and target. Now backward.`;
    else if (phase <= 2 * T) says.textContent = say`Backward, step ${reached()}: ∂L/∂h here is what its own output sends, plus Wᵀ times what comes back from the step after.`;
    else if (phase === 2 * T + 1) says.textContent = say`Backward is done: loss ${size(pass.loss)}, ${updates} updates so far. The first state gets ${size(ratio)} times the gradient of the last. Next: the update.`;
    else says.textContent = say`Update ${updates} made: every weight went ${num(rate, 2)} times its gradient downhill.`;
  };
  const redraw = () => {
    lookAt.set(at);
    undoing.disabled = !past.length;
    drawing.redraw();
    curve.redraw();
    tell_();
  };
  const undoing = button(say`Undo`, undo);
  const lengths = slider({ label: say`sequence length`, min: 2, max: 12, step: 1, value: T, digits: 0, change: (v) => {
    T = v;
    lookAt.input.max = v;
    begin();
    redraw();
    tell(model, { length: v });
  } });
  const rates = slider({ label: say`learning rate`, min: 0.02, max: 1, step: 0.02, value: rate, change: (v) => { rate = v; tell(model, { learning_rate: v }); } });
  const factors = slider({ label: say`W at the start ×`, name: say`W at the start ×, the recurrent weights`, min: 0.2, max: 3, step: 0.1, value: 1, digits: 1,
    change: (v) => { factor = v; begin(); redraw(); } });
  const tasks = choice({ label: say`task`, options: tinyTasks(), value: task, change: (v) => { task = v; begin(); redraw(); tell(model, { task: v }); } });

  root.append(
    row(tasks),
    row(button(say`Next step`, next, { class: "rnnfig-main" }), button(say`Finish this sweep`, finish), button(say`Train 100 updates`, () => train(100)),
      undoing, button(say`Reset`, () => { factor = 1; factors.set(1); begin(); redraw(); })),
    drawing, says, row(lookAt, tick(say`bars on a scale of powers of ten`, false, (v) => { logarithmic = v; redraw(); })), numbers,
    make("div", { class: "rnnfig-pair" }, curve, make("div", {}, row(lengths), row(rates), row(factors))),
  );
  begin();
  redraw();
}
export default { render };
