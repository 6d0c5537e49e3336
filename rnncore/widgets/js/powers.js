// Powers of a 2 × 2 matrix: what the gradient meets on its way back through k steps.

const matrices = () => ({
  shrink: [say`shrinks`, [[0.9, 0.2], [0, 0.7]]],
  grow: [say`grows`, [[1.1, 0.2], [0.1, 0.9]]],
  rotate: [say`rotates`, [[0.8, -0.6], [0.6, 0.8]]],
  hump: [say`grows, then vanishes`, [[0.85, 1.5], [0, 0.85]]],
  spiral: [say`spirals in`, [[0.7, -0.6], [0.6, 0.7]]],
});

function render({ model, el }) {
  speak(model);
  const steps = model.get("steps");
  let W = model.get("matrix").map((r) => [...r]), gamma = model.get("slope"), k = Math.min(5, steps), angle = model.get("angle");
  const start = { W, gamma, k, angle };
  const past = [];

  const root = frame(el, say`Powers of a matrix, and the gradient`,
    say`guess from the matrix whether the gradient vanishes, then move k. Find a matrix for which it grows at first and
      vanishes in the end. Then lower γ, the slope of the activation: can a growing matrix be tamed?`);

  const gradient = () => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  const path = () => carriedBack(W, gamma, gradient(), steps);

  // Left: the unit circle and what k steps back make of it; the gradient as an arrow.
  const plane = canvas((width) => {
    const height = Math.min(300, width), mx = width / 2, my = height / 2 + 6, parts = [];
    const M = mapped((v) => v * gamma ** k, power(turned(W), k)), trail = path().slice(0, k + 1);
    const most = Math.max(1, norm2(M), ...trail.map(norm)), unit = (height / 2 - 26) / most;
    const at = ([a, b]) => [mx + a * unit, my - b * unit];
    const ring = [...Array(73).keys()].map((n) => [Math.cos((n * Math.PI) / 36), Math.sin((n * Math.PI) / 36)]);
    const closed = (points, settings) => make("polygon", { points: points.map((v) => at(v).join(",")).join(" "), ...settings });
    parts.push(line(8, my, width - 8, my, "faint"), line(mx, 16, mx, height, "faint"));
    parts.push(closed(ring, { fill: "none", stroke: paint("neutral"), "stroke-width": 1.5, "stroke-dasharray": "2 4" }));
    parts.push(closed(ring.map((v) => apply(M, v)), { fill: "none", stroke: paint("hidden"), "stroke-width": 2 }));
    trail.forEach((v) => parts.push(make("circle", { cx: at(v)[0], cy: at(v)[1], r: 2.5, fill: paint("gradient") })));
    if (k) parts.push(arrow(mx, my, ...at(trail[0]), "neutral"));
    parts.push(arrow(mx, my, ...at(trail[k]), "gradient"));
    parts.push(words(8, 13, say`dotted: all directions, k = 0 · solid: after k = ${k}`, { "text-anchor": "start" }));
    return { height, parts, label: say`Plane: after ${k} steps back the gradient is (${trail[k].map((x) => num(x)).join(", ")}), of size ${size(norm(trail[k]))}; it began with size 1.` };
  });

  const norms = canvas((width) => {
    const sizes = path().map(norm), rho = radius2(W) * gamma;
    const line_ = sizes.map((_, n) => [n, Math.max(rho ** n, 1e-30)]);
    const inside = [...sizes, ...line_.map((p) => p[1])].filter((v) => v > 0);
    const low = 10 ** Math.floor(Math.log10(Math.max(1e-12, Math.min(0.1, ...inside)))), high = 10 ** Math.ceil(Math.log10(Math.min(1e12, Math.max(10, ...inside))));
    const { parts } = chart(width, 300, {
      x: [0, steps], y: [low, high], log: true, xname: say`k, steps back`, yname: say`size`, at: k,
      series: [{ name: say`gradient`, colour: "gradient", dash: "", points: sizes.map((v, n) => [n, v]), mark: true }, { name: "(γρ)ᵏ", colour: "target", dash: "6 4", points: line_ }],
    });
    return { height: 300, parts, label: say`Size of the gradient over ${steps} steps back, from 1 to ${size(sizes[steps])}.` };
  });

  const says = status(), facts = make("p", {}), shown = make("table", { "aria-label": say`the matrix W to the power k` });
  const fate = () => {
    const sizes = path().map(norm), rho = radius2(W) * gamma, sigma = norm2(W) * gamma, most = Math.max(...sizes);
    if (rho < 0.999) return [say`The gradient vanishes: γρ = ${num(rho)} < 1.`, ...(most > 1.05 ? [say`On the way it grows to ${size(most)}, since σ > 1.`] : [])];
    if (rho > 1.001) return [say`The gradient explodes: γρ = ${num(rho)} > 1.`];
    return [say`On the edge, γρ = 1: nothing grows or vanishes exponentially.`, ...(Math.abs(sigma - 1) < 0.001 ? [say`And as σ = 1, no step makes any gradient longer.`] : [])];
  };
  const redraw = () => {
    const P = power(W, k), [one, two] = eigenvalues2(W);
    const eigen = one[1] ? `${num(one[0])} ± ${num(Math.abs(one[1]))} i` : say`${num(one[0])} and ${num(two[0])}`;
    facts.textContent = say`Eigenvalues ${eigen}; spectral radius ρ = ${num(radius2(W))}; largest singular value σ = ${num(norm2(W))}.`;
    const cell = (v) => make("td", {}, Math.abs(v) >= 1000 || (v !== 0 && Math.abs(v) < 0.005) ? (v < 0 ? "−" : "") + size(Math.abs(v)) : num(v));
    shown.replaceChildren(make("tbody", {}, P.map((r, i) => make("tr", {}, i ? make("td") : make("th", { scope: "row" }, `W${superscript(k)} =`), r.map(cell)))));
    says.textContent = [say`After k = ${k} steps back, ${size(norm(path()[k]))} of the gradient's size is left.`, ...fate()].join(" ");
    entries.forEach((s, n) => s.set(W[n >> 1][n % 2]));
    gammas.set(gamma);
    ks.set(k);
    angles.set(angle);
    undoing.disabled = !past.length;
    plane.redraw();
    norms.redraw();
  };
  let last = null;
  const change = (what, act) => {
    walk.stop();
    if (what !== last) past.push({ W, gamma, angle });
    last = what;
    act();
    tell(model, { matrix: W, slope: gamma });
    redraw();
  };
  const entries = [0, 1, 2, 3].map((n) => {
    const name = `w${"₁₂"[n >> 1]}${"₁₂"[n % 2]}`;
    return slider({ label: name, name: say`${name}, row ${(n >> 1) + 1}, column ${(n % 2) + 1} of W`, min: -1.5, max: 1.5, step: 0.05, value: 0,
      change: (v) => change(n, () => { W = W.map((r, i) => r.map((x, j) => (2 * i + j === n ? v : x))); }) });
  });
  const gammas = slider({ label: say`γ, slope of tanh`, min: 0.1, max: 1, step: 0.05, value: gamma, change: (v) => change("gamma", () => { gamma = v; }) });
  const angles = slider({ label: say`gradient’s direction`, min: 0, max: 180, step: 5, value: angle, show: (v) => `${v}°`, change: (v) => change("angle", () => { angle = v; }) });
  const ks = slider({ label: say`k, steps back`, min: 0, max: steps, step: 1, value: k, digits: 0, change: (v) => { walk.stop(); k = v; redraw(); } });
  const walk = player(say`Walk back`, () => {
    if (k >= steps) return false;
    k += 1;
    redraw();
    return k < steps;
  });
  const undoing = button(say`Undo`, () => {
    walk.stop();
    ({ W, gamma, angle } = past.pop());
    last = null;
    tell(model, { matrix: W, slope: gamma });
    redraw();
  });

  root.append(
    row(make("span", {}, say`A matrix that`), Object.values(matrices()).map(([name, A]) => button(name, () => change(name, () => { W = A; })))),
    make("div", { class: "rnnfig-pair" }, make("div", {}, row(entries.slice(0, 2)), row(entries.slice(2))), make("div", {}, row(gammas), row(angles))),
    row(ks, button(say`One step`, () => { walk.stop(); k = Math.min(steps, k + 1); redraw(); }, { class: "rnnfig-main" }), walk, undoing,
      button(say`Reset`, () => { walk.stop(); ({ W, gamma, k, angle } = start); past.length = 0; last = null; tell(model, { matrix: W, slope: gamma }); redraw(); })),
    says, make("div", { class: "rnnfig-pair" }, plane, norms), facts, shown,
  );
  redraw();
}
export default { render };
