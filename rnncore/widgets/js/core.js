// The formulas of rnncore, and nothing that draws. tests/test_widgets.py runs this file in a browser on random
// numbers and compares with the package. Names, keys and gate order are the package's (and torch's); a matrix is
// an array of rows; nothing is changed in place.

const sum = (v) => v.reduce((a, b) => a + b, 0);
const dot = (a, b) => sum(a.map((x, i) => x * b[i]));
const plus = (...vs) => vs[0].map((_, i) => sum(vs.map((v) => v[i])));
const times = (...vs) => vs[0].map((_, i) => vs.reduce((p, v) => p * v[i], 1));
const apply = (A, x) => A.map((row) => dot(row, x));
const turned = (A) => A[0].map((_, j) => A.map((row) => row[j]));
const outer = (a, b) => a.map((x) => b.map((y) => x * y));
const norm = (v) => Math.hypot(...v);
const zeros = (n) => new Array(n).fill(0);
const sigmoid = (z) => (1 + Math.tanh(z / 2)) / 2;
const mapped = (f, ...trees) =>
  Array.isArray(trees[0]) ? trees[0].map((_, i) => mapped(f, ...trees.map((t) => t[i]))) : f(...trees);

// ---- the simple net: h = tanh(U x + b + W h + c), y = V h + d ----

const rnnStep = (p, x, h) =>
  plus(apply(p.weight_ih, x), p.bias_ih, apply(p.weight_hh, h), p.bias_hh).map(Math.tanh);

// States (T+1, H), the first of them h0.
function rnnForward(p, xs, h0) {
  const hs = [h0];
  for (const x of xs) hs.push(rnnStep(p, x, hs[hs.length - 1]));
  return hs;
}

// Backpropagation through time. dhs (T, H): what reaches each state from its own step. `totals[t]` is the whole
// gradient of the loss with respect to state t, the steps after it included; totals[0] belongs to h0.
function rnnBackward(p, xs, hs, dhs) {
  const T = xs.length, W = turned(p.weight_hh), U = turned(p.weight_ih);
  const totals = new Array(T + 1), dzs = new Array(T + 1);
  let after = zeros(hs[0].length);
  for (let t = T; t > 0; t--) {
    totals[t] = plus(dhs[t - 1], after);
    dzs[t] = totals[t].map((d, i) => d * (1 - hs[t][i] ** 2));
    after = apply(W, dzs[t]);
  }
  totals[0] = after;
  let weight_ih = mapped(() => 0, p.weight_ih), weight_hh = mapped(() => 0, p.weight_hh);
  let bias = zeros(hs[0].length);
  for (let t = 1; t <= T; t++) {
    weight_ih = mapped((a, b) => a + b, weight_ih, outer(dzs[t], xs[t - 1]));
    weight_hh = mapped((a, b) => a + b, weight_hh, outer(dzs[t], hs[t - 1]));
    bias = plus(bias, dzs[t]);
  }
  const grads = { weight_ih, weight_hh, bias_ih: bias, bias_hh: [...bias] };
  return { totals, dzs: dzs.slice(1), dxs: dzs.slice(1).map((dz) => apply(U, dz)), grads };
}

// A net with a linear readout, its loss (1/2N) Σ (y - target)² over the N steps that have a target (others: null),
// and every gradient.
function tinyPass(p, xs, targets) {
  const hs = rnnForward(p.cell, xs, zeros(p.cell.bias_ih.length));
  const ys = hs.slice(1).map((h) => apply(p.readout.weight, h)[0] + p.readout.bias[0]);
  const N = targets.filter((t) => t !== null).length;
  const dys = ys.map((y, t) => (targets[t] === null ? 0 : (y - targets[t]) / N));
  const loss = sum(ys.map((y, t) => (targets[t] === null ? 0 : (y - targets[t]) ** 2 / (2 * N))));
  const back = rnnBackward(p.cell, xs, hs, dys.map((d) => p.readout.weight[0].map((v) => v * d)));
  const weight = [plus(zeros(hs[0].length), ...dys.map((d, t) => hs[t + 1].map((h) => h * d)))];
  return { hs, ys, loss, dys, ...back, grads: { cell: back.grads, readout: { weight, bias: [sum(dys)] } } };
}

// One step of gradient descent, over parameters of any nesting.
const descend = (p, grads, rate) =>
  Object.fromEntries(
    Object.entries(p).map(([key, value]) => [
      key,
      Array.isArray(value) ? mapped((a, g) => a - rate * g, value, grads[key]) : descend(value, grads[key], rate),
    ]),
  );

// ---- gated cells ----

// The state of an LSTM from the values of its gates.
function lstmState(i, f, g, o, c) {
  const next = plus(times(f, c), times(i, g));
  return { c: next, h: times(o, next.map(Math.tanh)) };
}

function lstmStep(p, x, h, c) {
  const H = h.length, z = plus(apply(p.weight_ih, x), p.bias_ih, apply(p.weight_hh, h), p.bias_hh);
  const gate = (k, f) => z.slice(k * H, (k + 1) * H).map(f);
  return lstmState(gate(0, sigmoid), gate(1, sigmoid), gate(2, Math.tanh), gate(3, sigmoid), c);
}

// The GRU: the candidate n from the two products that enter it, and the new state between h and n.
const gruCandidate = (r, fromX, fromH) => plus(fromX, times(r, fromH)).map(Math.tanh);
const gruState = (z, n, h) => h.map((old, i) => z[i] * old + (1 - z[i]) * n[i]);

function gruStep(p, x, h) {
  const H = h.length, part = (v, k) => v.slice(k * H, (k + 1) * H);
  const zx = plus(apply(p.weight_ih, x), p.bias_ih), zh = plus(apply(p.weight_hh, h), p.bias_hh);
  const [r, z] = [0, 1].map((k) => plus(part(zx, k), part(zh, k)).map(sigmoid));
  return gruState(z, gruCandidate(r, part(zx, 2), part(zh, 2)), h);
}

// ---- the Clockwork RNN: module i runs when its period divides t ----

const ticks = (period, t) => t % period === 0;

function clockworkStep(p, periods, x, h, t) {
  const k = h.length / periods.length;
  const next = rnnStep(p, x, h);
  return h.map((old, j) => (ticks(periods[Math.floor(j / k)], t) ? next[j] : old));
}

// ---- Hopfield's net ----

const hebb = (patterns) =>
  patterns[0].map((_, i) =>
    patterns[0].map((_, j) => (i === j ? 0 : sum(patterns.map((p) => p[i] * p[j])) / patterns[0].length)),
  );
const hopfieldEnergy = (W, s) => -dot(apply(W, s), s) / 2;
const overlap = (pattern, s) => dot(pattern, s) / s.length;

// What unit i becomes: the sign of its field; a field of zero (but for rounding) changes nothing.
function hopfieldUnit(W, s, i) {
  const field = dot(W[i], s);
  return Math.abs(field) <= 1e-12 * sum(W[i].map(Math.abs)) ? s[i] : Math.sign(field);
}
const hopfieldUpdate = (W, s) => s.map((_, i) => hopfieldUnit(W, s, i));
function hopfieldSweep(W, s, order) {
  const state = [...s];
  for (const i of order) state[i] = hopfieldUnit(W, state, i);
  return state;
}

// ---- 2 × 2 matrices ----

const product = (A, B) => A.map((row) => turned(B).map((column) => dot(row, column)));
function power(A, k) {
  let result = A.map((row, i) => row.map((_, j) => (i === j ? 1 : 0)));
  for (let n = 0; n < k; n++) result = product(result, A);
  return result;
}
// Eigenvalues as [real, imaginary], the larger first.
function eigenvalues2([[a, b], [c, d]]) {
  const mean = (a + d) / 2, root = ((a - d) / 2) ** 2 + b * c;
  if (root < 0) return [[mean, Math.sqrt(-root)], [mean, -Math.sqrt(-root)]];
  const both = [mean + Math.sqrt(root), mean - Math.sqrt(root)];
  return both.sort((x, y) => Math.abs(y) - Math.abs(x)).map((x) => [x, 0]);
}
const radius2 = (A) => Math.max(...eigenvalues2(A).map((v) => Math.hypot(...v)));
// The largest singular value: how much a vector can grow in one step.
function norm2([[a, b], [c, d]]) {
  return (Math.hypot(a + d, b - c) + Math.hypot(a - d, b + c)) / 2;
}
// A gradient carried back k steps through h = γ W h, for k = 0 … steps.
function carriedBack(W, gamma, g, steps) {
  const back = turned(W), path = [g];
  for (let k = 0; k < steps; k++) path.push(apply(back, path[k]).map((x) => gamma * x));
  return path;
}
