// The figure, drawn by bokeh: flows as lines as wide as their amounts, nodes, and names where they fit.
const model = (name) => Bokeh.Models.get(name);
const MARKS = {
  subject: "square", finding: "diamond", service: "hex", mixer: "square", bystander: "circle",
  undecided: "circle", unread: "circle", unspent: "triangle", burnt: "inverted_triangle", origin: "star",
};
const GROWN = { diamond: 1.45, triangle: 1.15, inverted_triangle: 1.15, star: 1.3 }; // marks that look small
const LIGHT = new Set(["bystander", "undecided", "unread", "burnt", "origin"]);
const FONT = 'system-ui, "Segoe UI", "DejaVu Sans", sans-serif';
const POINTS = 18;
const source = (names) => new (model("ColumnDataSource"))({ data: Object.fromEntries(names.map((name) => [name, []])) });
const field = (name) => ({ field: name });
const MANY = 500; // flows from which on each is drawn fainter
const picture = { ready: false, scale: 1 };

function build() {
  const range = () => new (model("Range1d"))({ start: 0, end: 1 });
  const plot = new (model("Plot"))({
    x_range: range(), y_range: range(), sizing_mode: "stretch_both", toolbar_location: null,
    outline_line_color: null, min_border: 0, background_fill_color: "#ffffff", output_backend: "canvas",
  });
  const lines = source(["xs", "ys", "width", "colour", "alpha", "key"]);
  const back = source(["xs", "ys", "width", "colour", "alpha", "key"]);
  const heads = source(["x", "y", "angle", "colour", "size"]);
  const dots = source(["x", "y", "mark", "size", "fill", "edge", "width", "dash", "id"]);
  const rings = source(["x", "y", "size", "colour"]);
  const letters = source(["x", "y", "text", "colour"]);
  const labels = source(["x", "y", "text", "below", "align", "shift", "rise", "fall"]);
  const plain = { nonselection_glyph: null, selection_glyph: null };
  const stroke = (more) => new (model("MultiLine"))({
    xs: field("xs"), ys: field("ys"), line_width: field("width"), line_color: field("colour"),
    line_alpha: field("alpha"), line_cap: "butt", line_join: "round", ...more,
  });
  const forwards = plot.add_glyph(stroke({}), lines, plain);
  const backwards = plot.add_glyph(stroke({ line_dash: [6, 4] }), back, plain);
  plot.add_glyph(new (model("Scatter"))({
    x: field("x"), y: field("y"), angle: field("angle"), marker: "triangle", size: field("size"),
    fill_color: field("colour"), line_color: null,
  }), heads, plain);
  plot.add_glyph(new (model("Scatter"))({
    x: field("x"), y: field("y"), size: field("size"), marker: "circle", fill_color: null,
    line_color: field("colour"), line_width: 3,
  }), rings, plain);
  const marks = plot.add_glyph(new (model("Scatter"))({
    x: field("x"), y: field("y"), size: field("size"), marker: field("mark"), fill_color: field("fill"),
    line_color: field("edge"), line_width: field("width"), line_dash: field("dash"),
  }), dots, plain);
  plot.add_glyph(new (model("Text"))({
    x: field("x"), y: field("y"), text: field("text"), text_align: "center", text_baseline: "middle",
    text_font: FONT, text_font_size: "10px", text_font_style: "bold", text_color: field("colour"),
  }), letters, plain);
  const text = (more) => new (model("Text"))({
    x: field("x"), y: field("y"), text_align: field("align"), x_offset: field("shift"), text_font: FONT,
    background_fill_color: "#ffffff", background_fill_alpha: 0.7, padding: 0, ...more,
  });
  plot.add_glyph(text({ text: field("text"), text_font_size: "11px", text_baseline: "bottom", text_color: "#111111", y_offset: field("rise") }), labels, plain);
  plot.add_glyph(text({ text: field("below"), text_font_size: "10px", text_baseline: "top", text_color: "#444444", y_offset: field("fall") }), labels, plain);
  const pan = new (model("PanTool"))();
  const wheel = new (model("WheelZoomTool"))({ zoom_on_axis: false });
  plot.add_tools(pan, wheel);
  plot.toolbar.active_drag = pan;
  plot.toolbar.active_scroll = wheel;
  Object.assign(picture, { plot, lines, back, heads, dots, rings, letters, labels, forwards, backwards, marks });
  return plot;
}

async function show(root, element) {
  const doc = new (Bokeh.require("document").Document)();
  doc.add_root(root);
  const views = await Bokeh.embed.add_document_standalone(doc, element);
  return [...views][0];
}

const up = (one) => -one.y / 10;

// A line from one node to another, through two points that draw it out level.
function curve(from, to) {
  const [x0, y0, x1, y1] = [from.x, up(from), to.x, up(to)];
  const level = x1 > x0 ? (x1 - x0) / 2 : 0.45;
  const bulge = x1 > x0 ? 0 : (y1 >= y0 ? 1 : -1) * Math.min(0.8, 0.3 + 0.1 * (x0 - x1));
  const xs = [];
  const ys = [];
  for (let n = 0; n <= POINTS; n += 1) {
    const t = n / POINTS;
    const s = 1 - t;
    const [a, b, c, d] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
    xs.push(a * x0 + b * (x0 + level) + c * (x1 - level) + d * x1);
    ys.push(a * y0 + b * (y0 + bulge) + c * (y1 + bulge) + d * y1);
  }
  return [xs, ys];
}

const ratio = (part, whole) => (whole > 0n ? Number((part * 1000000n) / whole) / 1000000 : 0);

function draw() {
  const most = view.flows.length ? view.flows[0].amount : 0n;
  const sets = [picture.lines, picture.back].map(() => ({ xs: [], ys: [], width: [], colour: [], alpha: [], key: [] }));
  const near = chosenFlows();
  const thin = view.flows.length > MANY ? 0.4 : 0.8;
  for (const flow of view.flows) {
    const [from, to] = [view.nodes.get(flow.source), view.nodes.get(flow.target)];
    const [xs, ys] = (flow.line = curve(from, to));
    const into = sets[to.x > from.x ? 0 : 1];
    const strong = near.has(flow.key);
    into.xs.push(xs);
    into.ys.push(ys);
    into.width.push(thin + 8 * Math.sqrt(ratio(flow.amount, most)) + (strong ? 1 : 0));
    into.colour.push(strong ? "#0b5cad" : "#7d7d7d");
    into.alpha.push(strong ? 0.95 : (near.size ? 0.28 : 0.5) * (view.flows.length > MANY ? 0.6 : 1));
    into.key.push(flow.key);
  }
  picture.lines.data = sets[0];
  picture.back.data = sets[1];
  scaled();
  drawNodes();
  byId("nothing").hidden = view.flows.length > 0;
  marked();
  label();
}

function drawNodes() {
  const dots = { x: [], y: [], mark: [], size: [], fill: [], edge: [], width: [], dash: [], id: [] };
  const biggest = [...view.nodes.values()].reduce((best, one) => (one.value.amount > best ? one.value.amount : best), 0n);
  for (const one of view.nodes.values()) {
    const role = roles.get(one.node.role);
    one.size = 8 + 14 * Math.sqrt(ratio(one.value.amount, biggest));
    if (one.node.role === "subject" || opens(one.id)) one.size = Math.max(one.size, 14);
    one.size = Math.max(3, one.size * (one.node.role === "subject" ? 1 : picture.scale));
    dots.x.push(one.x);
    dots.y.push(up(one));
    dots.mark.push(MARKS[one.node.role] || "circle");
    dots.size.push(one.size * (GROWN[MARKS[one.node.role]] || 1));
    dots.fill.push(role.colour);
    dots.edge.push("#1b1b1b");
    dots.width.push((opens(one.id) ? 3 : 1) * Math.max(0.4, picture.scale));
    dots.dash.push(one.node.role === "unread" ? "dashed" : "solid");
    dots.id.push(one.id);
  }
  picture.dots.data = dots;
}

// Marks shrink where a column is full, and grow as it is zoomed into.
function scaled() {
  if (!picture.ready) return false;
  const { y_scale } = picture.view.frame;
  const room = Math.abs(y_scale.compute(LEAST / 10) - y_scale.compute(0));
  const scale = Math.min(1, Math.max(0.2, room / 12));
  if (scale === picture.scale || (scale < 1 && Math.abs(scale / picture.scale - 1) < 0.15)) return false;
  picture.scale = scale;
  return true;
}

function chosenFlows() {
  const chosen = state.chosen;
  if (!chosen) return new Set();
  if (chosen.flow) return new Set([chosen.flow]);
  const one = view.nodes.get(chosen.node);
  return new Set(one ? [...one.into, ...one.out].map((flow) => flow.key) : []);
}

function marked() {
  const one = state.chosen && view.nodes.get(state.chosen.node);
  picture.rings.data = one ? { x: [one.x], y: [up(one)], size: [one.size + 10], colour: ["#0b5cad"] } : { x: [], y: [], size: [], colour: [] };
}

const pen = document.createElement("canvas").getContext("2d");
const lengths = new Map();
function lengthOf(text, font) {
  const key = font + text;
  if (!lengths.has(key)) {
    pen.font = font;
    lengths.set(key, pen.measureText(text).width);
  }
  return lengths.get(key);
}

function fitted(text, width, font) {
  if (lengthOf(text, font) <= width) return text;
  pen.font = font;
  const parts = Array.from(text);
  let [low, high] = [0, Math.min(parts.length, 400)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (pen.measureText(parts.slice(0, middle).join("") + "…").width <= width) low = middle;
    else high = middle - 1;
  }
  return low ? parts.slice(0, low).join("") + "…" : "";
}

// Names stand where they lie over nothing else, those of the largest first; zooming in shows more.
const LINE = 26;
const MOST_LABELS = 140;

// An amount is never cut: digits that are missing would be read as a smaller one.
function whole(text, width) {
  return [text, text.slice(0, text.lastIndexOf(" "))].find((one) => lengthOf(one, "10px " + FONT) <= width) || "";
}

function around(one, sign, drop, wide, gap) {
  const x = one.px[0] + sign * gap - (sign ? 0 : wide / 2);
  const y = one.px[1] + drop * (one.size / 2 + LINE / 2 + 1);
  const ends = [x, x + (sign || 1) * wide];
  return [Math.min(...ends), y - LINE / 2, Math.max(...ends), y + LINE / 2];
}

const PLACES = [
  [[2, 240], "left", 1, 0], [[2, 240], "right", -1, 0], [[1, 170], "left", 1, 0], [[1, 170], "right", -1, 0],
  [[1, 170], "center", 0, 1], [[1, 170], "center", 0, -1], [[1, 170], "left", 1, 1], [[1, 170], "left", 1, -1],
]; // room in columns and pixels, alignment, side, and line above or below
function label() {
  if (!picture.ready) return;
  if (scaled()) {
    drawNodes();
    marked();
  }
  const { x_scale, y_scale, bbox } = picture.view.frame;
  const place = (one) => [x_scale.compute(one.x), y_scale.compute(up(one))];
  const inside = [...view.nodes.values()].filter((one) => {
    const [x, y] = (one.px = place(one));
    return x >= bbox.left - 5 && x <= bbox.right + 5 && y >= bbox.top - 5 && y <= bbox.bottom + 5;
  });
  const step = Math.abs(x_scale.compute(1) - x_scale.compute(0));
  const first = (one) => (state.chosen && state.chosen.node === one.id ? 2 : one.node.role === "subject" ? 1 : 0);
  inside.sort((a, b) => first(b) - first(a) || (a.value.amount < b.value.amount ? 1 : a.value.amount > b.value.amount ? -1 : a.id - b.id));
  const taken = new Map();
  const cell = 40;
  const cells = (box, visit) => {
    for (let x = Math.floor(box[0] / cell); x <= Math.floor(box[2] / cell); x += 1) {
      for (let y = Math.floor(box[1] / cell); y <= Math.floor(box[3] / cell); y += 1) visit(x + ":" + y);
    }
  };
  const take = (box, own) => cells(box, (key) => taken.set(key, [...(taken.get(key) || []), [box, own]]));
  const free = (box, own) => {
    let fits = box[0] >= bbox.left && box[2] <= bbox.right && box[1] >= bbox.top && box[3] <= bbox.bottom;
    cells(box, (key) => {
      for (const [other, whose] of taken.get(key) || []) {
        if (whose !== own && box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]) fits = false;
      }
    });
    return fits;
  };
  for (const one of inside) take([one.px[0] - one.size / 2, one.px[1] - one.size / 2, one.px[0] + one.size / 2, one.px[1] + one.size / 2], one.id);
  const out = { x: [], y: [], text: [], below: [], align: [], shift: [], rise: [], fall: [] };
  const letters = { x: [], y: [], text: [], colour: [] };
  for (const one of inside.slice(0, 1200)) {
    if (one.size >= 13) {
      letters.x.push(one.x);
      letters.y.push(up(one));
      letters.text.push(roles.get(one.node.role).letter);
      letters.colour.push(LIGHT.has(one.node.role) ? "#000000" : "#ffffff");
    }
    const folded = opens(one.id) && !isOpen(one.id) ? "⊞ " : "";
    const gap = one.size / 2 + 3;
    if (out.x.length >= MOST_LABELS) continue;
    for (const [most, align, sign, drop] of PLACES) {
      const width = Math.max(70, Math.min(step * most[0] - 40, most[1]));
      if (!free(around(one, sign, drop, 44, gap), one.id)) continue; // nothing fits: measure nothing
      const name = fitted(folded + one.node.name, width, "11px " + FONT);
      const below = whole(told(one.value), width);
      const wide = Math.max(lengthOf(name, "11px " + FONT), lengthOf(below, "10px " + FONT)) + 4;
      const box = around(one, sign, drop, wide, gap);
      const y = (box[1] + box[3]) / 2;
      if (!free(box, one.id)) continue;
      take(box, one.id);
      out.x.push(one.x);
      out.y.push(up(one));
      out.text.push(name);
      out.below.push(below);
      out.align.push(align);
      out.shift.push(sign * gap);
      out.rise.push(y - one.px[1] + 1);
      out.fall.push(y - one.px[1] + 1);
      break;
    }
  }
  picture.labels.data = out;
  picture.letters.data = letters;
}

// What lies under a point of the figure: a node before a flow.
function under(sx, sy) {
  const geometry = { type: "point", sx, sy };
  const hit = (renderer) => picture.view.views.find_one(renderer).hit_test(geometry);
  const dots = hit(picture.marks);
  if (dots && dots.indices.length) {
    const near = (index) => {
      const one = view.nodes.get(picture.dots.data.id[index]);
      return Math.hypot(one.px[0] - sx, one.px[1] - sy);
    };
    const best = [...dots.indices].sort((a, b) => near(a) - near(b))[0];
    return { node: picture.dots.data.id[best] };
  }
  for (const [renderer, set] of [[picture.forwards, picture.lines], [picture.backwards, picture.back]]) {
    const found = hit(renderer);
    const index = found && (found.indices[0] ?? [...found.line_indices || []][0] ?? [...(found.multiline_indices || new Map()).keys()][0]);
    if (index !== undefined && index !== null) return { flow: set.data.key[Number(index)] };
  }
  return null;
}

function frameOf(some) {
  const all = some.length ? some : [{ x: 0, y: 0 }];
  const xs = all.map((one) => one.x);
  const ys = all.map(up);
  return [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
}

function zoomTo(left, right, low, high) {
  picture.fitted = false;
  picture.plot.x_range.setv({ start: left, end: right });
  picture.plot.y_range.setv({ start: low, end: high });
}

function showAll() {
  const [left, right, low, high] = frameOf([...view.nodes.values()]);
  const wide = picture.view ? Math.max(picture.view.frame.bbox.width, 200) : 900;
  // Room at the right for the names of the last column, whatever the zoom.
  const step = (wide - 190) / Math.max(right - left, 1);
  const tall = Math.max(high - low, 2);
  zoomTo(left - 30 / step, right + 160 / step, low - 0.06 * tall - 0.3, high + 0.06 * tall + 0.3);
  picture.fitted = true;
}

function zoom(factor, at) {
  picture.fitted = false;
  for (const [range, middle] of [[picture.plot.x_range, at && at.x], [picture.plot.y_range, at && up(at)]]) {
    const centre = middle ?? (range.start + range.end) / 2;
    const [low, high] = [range.start, range.end].map((end) => centre + (end - centre) * factor);
    range.setv({ start: low, end: high });
  }
}

// Bring a node into sight, without zooming further than names need.
function goTo(id) {
  const one = view.nodes.get(id);
  const { x_range: across, y_range: along } = picture.plot;
  if (!one) return;
  const tall = Math.min(along.end - along.start, 24);
  const wide = Math.min(across.end - across.start, 8);
  const [x, y] = [one.x, up(one)];
  const seen = x > across.start && x < across.end && y > along.start && y < along.end;
  if (seen && along.end - along.start <= 40) return;
  zoomTo(x - wide * 0.4, x + wide * 0.6, y - tall / 2, y + tall / 2);
}
