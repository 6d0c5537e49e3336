// What the figures share: elements, numbers, sliders, buttons, a line chart. No library, no build step.

const DRAWN = new Set("svg g path line rect circle text tspan polyline polygon".split(" "));

// Words in the reader's language, from the texts as this file writes them: say`Step ${t} of ${T}` asks the model's
// dictionary for "Step {0} of {1}". What has no translation is said as it stands here.
let dictionary = {};
const speak = (model) => (dictionary = model.get("words") || {});
function say(parts, ...values) {
  const text = parts.reduce((all, part, n) => `${all}{${n - 1}}${part}`).replace(/\s+/g, " ");
  return (dictionary[text] || text).replace(/\{(\d+)\}/g, (_, n) => values[n]);
}

function make(tag, settings = {}, ...inside) {
  const node = DRAWN.has(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [key, value] of Object.entries(settings)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...inside.flat(3).filter((part) => part !== null && part !== undefined));
  return node;
}

// A number with few digits and a real minus sign.
function num(x, digits = 2) {
  if (!Number.isFinite(x)) return "∞";
  const text = x.toFixed(digits);
  return (Number(text) === 0 ? (0).toFixed(digits) : text).replace("-", "−");
}
const superscript = (n) => [...String(n)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
// A size that may be very small or very large.
function size(x) {
  if (x === 0) return "0";
  const power = Math.floor(Math.log10(x));
  if (power >= -2 && power < 4) return num(x, Math.max(0, 2 - Math.max(power, 0)));
  return `${num(x / 10 ** power, 1)}·10${superscript(power)}`;
}

let figures = 0;

// The frame of a figure: its name, what to try, and room for what follows.
function frame(el, name, attempt) {
  const id = `rnnfig-${Date.now().toString(36)}-${figures++}`;
  const root = make(
    "div",
    { class: "rnnfig", role: "group", "aria-labelledby": id },
    make("p", { class: "rnnfig-name", id }, name),
    make("p", { class: "rnnfig-try" }, make("b", {}, say`Try:`, " "), attempt),
  );
  el.replaceChildren(root);
  return root;
}

const row = (...inside) => make("div", { class: "rnnfig-row" }, ...inside);
const button = (label, press, settings = {}) =>
  make("button", { type: "button", onclick: press, ...settings }, label);
const status = () => make("p", { class: "rnnfig-status", role: "status" });

// A slider with its name and value. `change(value)` is called while it moves.
function slider({ label, name, min, max, step, value, digits = 2, change, show }) {
  const text = show || ((v) => num(v, digits));
  const input = make("input", { type: "range", min, max, step, value, "aria-label": name || label });
  const shown = make("span", { class: "rnnfig-value", "aria-hidden": "true" });
  const write = () => {
    shown.textContent = text(Number(input.value));
    input.setAttribute("aria-valuetext", text(Number(input.value)));
  };
  input.addEventListener("input", () => {
    write();
    change(Number(input.value));
  });
  write();
  const node = make("label", { class: "rnnfig-slider" }, make("span", {}, label), input, shown);
  node.set = (v) => {
    input.value = v;
    write();
  };
  node.input = input;
  return node;
}

function choice({ label, options, value, change }) {
  const select = make(
    "select",
    { "aria-label": label, onchange: () => change(select.value) },
    Object.entries(options).map(([key, text]) => make("option", { value: key, selected: key === value }, text)),
  );
  const node = make("label", { class: "rnnfig-choice" }, make("span", {}, label), select);
  node.set = (v) => (select.value = v);
  return node;
}

function tick(label, checked, change) {
  const box = make("input", { type: "checkbox", checked, onchange: () => change(box.checked) });
  const node = make("label", { class: "rnnfig-tick" }, box, make("span", {}, label));
  node.set = (v) => (box.checked = v);
  return node;
}

// A drawing as wide as its place, in real pixels, so that its text keeps its size on a phone. `draw(width)`
// returns {height, label, parts}; the label is what a screen reader says.
function canvas(draw, settings = {}) {
  const svg = make("svg", { role: "img", class: "rnnfig-drawing", ...settings });
  const box = make("div", { class: "rnnfig-canvas" }, svg);
  let width = 0;
  box.redraw = () => {
    const { height, label, parts } = draw(width || 600);
    svg.setAttribute("viewBox", `0 0 ${width || 600} ${height}`);
    svg.setAttribute("width", width || 600);
    svg.setAttribute("height", height);
    svg.setAttribute("aria-label", label);
    svg.replaceChildren(...parts.flat(4).filter(Boolean));
  };
  new ResizeObserver(() => {
    const now = Math.floor(box.clientWidth);
    if (now && now !== width) {
      width = now;
      box.redraw();
    }
  }).observe(box);
  return box;
}

const paint = (name) => `var(--${name})`;
const line = (x1, y1, x2, y2, colour = "neutral", settings = {}) =>
  make("line", { x1, y1, x2, y2, stroke: paint(colour), "stroke-width": 1.5, ...settings });
const words = (x, y, text, settings = {}) =>
  make("text", { x, y, fill: paint("ink"), "text-anchor": "middle", ...settings }, text);

// A line with a head, bent by `bow` pixels to its left.
function arrow(x1, y1, x2, y2, colour, { bow = 0, ...settings } = {}) {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [nx, ny] = [(y2 - y1) / length, (x1 - x2) / length];
  const [mx, my] = [(x1 + x2) / 2 + nx * bow * 2, (y1 + y2) / 2 + ny * bow * 2];
  const angle = Math.atan2(y2 - (bow ? my : y1), x2 - (bow ? mx : x1));
  const wing = (turn) => `${x2 - 8 * Math.cos(angle + turn)},${y2 - 8 * Math.sin(angle + turn)}`;
  return make(
    "g",
    settings,
    make("path", { d: `M${x1},${y1}Q${mx},${my} ${x2},${y2}`, fill: "none", stroke: paint(colour), "stroke-width": 2 }),
    make("polygon", { points: `${x2},${y2} ${wing(0.42)} ${wing(-0.42)}`, fill: paint(colour) }),
  );
}

// A signed value as a bar from a line in the middle: up and filled for plus, down and hollow for minus.
function bar(x, middle, wide, high, value, colour) {
  const length = Math.min(1, Math.abs(value)) * high;
  return make("rect", {
    x, width: wide, y: value >= 0 ? middle - length : middle, height: Math.max(length, 0.5),
    fill: value >= 0 ? paint(colour) : paint("ground"), stroke: paint(colour), "stroke-width": 1.5,
  });
}

const DASHES = { hidden: "", cell: "9 3 2 3", gate: "7 4", gradient: "2 3", target: "", neutral: "1 4", input: "9 3", output: "4 2" };

// Curves over steps. series: [{name, colour, points: [[x, y], …], mark}]; log: powers of ten on the y axis.
function chart(width, height, { x, y, xname, yname, log = false, series, at, left = 44 }) {
  const [top, right, bottom] = [28, 12, 34];
  const level = (v) => (log ? Math.log10(Math.max(v, 1e-300)) : v);
  const X = (v) => left + ((v - x[0]) / (x[1] - x[0] || 1)) * (width - left - right);
  const share = (v) => Math.min(1, Math.max(0, (level(v) - level(y[0])) / (level(y[1]) - level(y[0]) || 1)));
  const Y = (v) => height - bottom - share(v) * (height - top - bottom);
  const parts = [line(left, height - bottom, width - right, height - bottom), line(left, top, left, height - bottom)];
  const ticks = [];
  if (log) {
    const span = level(y[1]) - level(y[0]), jump = Math.max(1, Math.ceil(span / 6));
    for (let k = Math.ceil(level(y[0])); k <= level(y[1]) + 1e-9; k += jump) ticks.push([10 ** k, `10${superscript(k)}`]);
  } else {
    for (const v of [y[0], (y[0] + y[1]) / 2, y[1]]) ticks.push([v, num(v, Math.abs(y[1] - y[0]) < 20 ? 1 : 0)]);
  }
  for (const [v, text] of ticks) {
    parts.push(line(left - 4, Y(v), left, Y(v)), words(left - 7, Y(v) + 4, text, { "text-anchor": "end" }));
    parts.push(line(left, Y(v), width - right, Y(v), "faint", { "stroke-width": 1 }));
  }
  const jump = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((j) => (x[1] - x[0]) / j <= (width < 300 ? 4 : 8)) || 10000;
  for (let v = Math.ceil(x[0] / jump) * jump; v <= x[1]; v += jump) {
    parts.push(words(X(v), height - bottom + 15, String(v)));
  }
  parts.push(words((left + width) / 2, height - 4, xname), words(4, 11, yname, { "text-anchor": "start" }));
  if (at !== undefined) parts.push(line(X(at), top, X(at), height - bottom, "ink", { "stroke-dasharray": "3 3" }));
  for (const { colour, points, mark, dash } of series) {
    if (points.length > 1) {
      parts.push(make("polyline", {
        points: points.map(([a, b]) => `${X(a)},${Y(b)}`).join(" "), fill: "none", stroke: paint(colour),
        "stroke-width": 2, "stroke-dasharray": dash ?? DASHES[colour] ?? "",
      }));
    }
    if (mark) for (const [a, b] of points) parts.push(make("circle", { cx: X(a), cy: Y(b), r: 3.5, fill: paint(colour) }));
  }
  let place = width - right;
  for (const { name, colour, dash } of [...series].reverse()) {
    if (!name) continue;
    place -= 8 + [...name].reduce((all, letter) => all + (letter > "\u2e80" ? 13 : 7.2), 0);
    parts.push(words(place + 6, 12, name, { "text-anchor": "start" }));
    parts.push(line(place - 22, 8, place + 1, 8, colour, { "stroke-width": 2.5, "stroke-dasharray": dash ?? DASHES[colour] ?? "" }));
    place -= 30;
  }
  return { parts, X, Y };
}

// Rows of bars over T steps. rows: [{name, colour, values, from: 0 or -1, wanted}]; steps from `made` on are open.
function strip(width, T, rows, made, first = 1) {
  const left = 58, column = (width - left - 4) / T, wide = Math.min(26, column - 6), parts = [];
  const X = (k) => left + (k + 0.5) * column;
  let y = 4;
  const top = y;
  for (const { name, colour, values, signed, wanted } of rows) {
    const high = signed ? 20 : 26, base = signed ? y + 22 : y + 30;
    parts.push(words(2, base + 2, name, { "text-anchor": "start" }), line(left, base, width - 4, base, "faint"));
    for (let k = 0; k < T; k++) {
      const v = values[k];
      if (wanted && wanted[k] !== null) {
        const level = base - wanted[k] * high;
        parts.push(line(X(k) - wide / 2 - 3, level, X(k) + wide / 2 + 3, level, "target", { "stroke-width": 2.5 }));
      }
      if (v === undefined || v === null) continue;
      parts.push(bar(X(k) - wide / 2, base, wide, high, v, colour));
      if (column > 28) parts.push(words(X(k), base + 15 + (v < 0 ? 20 * Math.min(1, -v) : 0), num(v, column > 38 ? 2 : 1)));
    }
    y += signed ? (column > 28 ? 62 : 48) : column > 28 ? 52 : 40;
  }
  for (let k = 0; k < T; k++) parts.push(words(X(k), y + 10, String(k + first), { "font-weight": k === made ? "bold" : "normal" }));
  parts.push(words(2, y + 10, say`step`, { "text-anchor": "start" }));
  if (made < T) parts.unshift(make("rect", { x: X(made) - column / 2 + 1, y: 0, width: column - 2, height: y + 16, rx: 4, fill: paint("raised") }));
  return { parts, height: y + 20 };
}

// Steps on a clock, started and stopped by the reader. Who asked for no motion gets all steps at once.
function player(start, step, milliseconds = 350) {
  let timer = null;
  const still = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const node = button(start, () => (timer ? node.stop() : node.start()));
  node.stop = () => {
    clearInterval(timer);
    timer = null;
    node.textContent = start;
  };
  node.start = () => {
    if (still()) {
      for (let n = 0; n < 2000 && step(); n++);
      return;
    }
    node.textContent = say`Stop`;
    timer = setInterval(() => {
      if (!node.isConnected || !step()) node.stop();
    }, milliseconds);
  };
  return node;
}

// Numbers that look random and are the same for every reader (mulberry32).
function generator(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
function shuffled(n, draw) {
  const order = [...Array(n).keys()];
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// Tell Python, where there is one.
function tell(model, values) {
  for (const [key, value] of Object.entries(values)) model.set(key, value);
  model.save_changes();
}
