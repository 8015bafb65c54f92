// Payments by time, with a span that can be dragged; the fields of days do the same by keyboard.
const DAY = 86400000;
const BINS = 60;
const line = { span: null };

function buildTimeline() {
  if (!extent || extent[0] === extent[1]) {
    byId("time").classList.add("none");
    replace(byId("timeline"), make("p", { class: "note" }, extent
      ? "All payments with a time are of " + day(extent[0]) + "."
      : "This edition gives no payment its time."));
    return null;
  }
  const [first, last] = extent;
  const margin = (last - first) * 0.02;
  const bin = (last - first) / BINS || 1;
  const counts = new Array(BINS).fill(0);
  for (const at of times) counts[Math.min(BINS - 1, Math.floor((at - first) / bin))] += 1;
  const range = (start, end) => new (model("Range1d"))({ start, end });
  const plot = new (model("Plot"))({
    x_range: range(first - margin, last + margin), y_range: range(0, Math.max(...counts) * 1.15),
    x_scale: new (model("LinearScale"))(), sizing_mode: "stretch_both", toolbar_location: null,
    outline_line_color: null, min_border: 0, min_border_left: 12, min_border_right: 12,
  });
  plot.add_layout(new (model("DatetimeAxis"))({
    axis_line_color: "#888888", major_tick_line_color: "#888888", minor_tick_line_color: null,
    major_label_text_font: FONT, major_label_text_font_size: "10px",
    formatter: new (model("DatetimeTickFormatter"))({
      hours: "%m-%d %H:%M", hourmin: "%m-%d %H:%M", minutes: "%H:%M", days: "%Y-%m-%d", months: "%Y-%m", years: "%Y",
    }),
  }), "below");
  const bars = new (model("ColumnDataSource"))({
    data: {
      left: counts.map((_, n) => first + n * bin), right: counts.map((_, n) => first + (n + 0.9) * bin),
      top: counts, bottom: counts.map(() => 0),
    },
  });
  plot.add_glyph(new (model("Quad"))({
    left: field("left"), right: field("right"), top: field("top"), bottom: field("bottom"),
    fill_color: "#6f8fae", line_color: null,
  }), bars, { nonselection_glyph: null, selection_glyph: null });
  line.span = range(first - margin, last + margin);
  line.whole = [first - margin, last + margin];
  const tool = new (model("RangeTool"))({ x_range: line.span });
  tool.overlay.fill_color = "#0b5cad";
  tool.overlay.fill_alpha = 0.12;
  plot.add_tools(tool);
  line.span.change.connect(() => soon("span", brushed));
  return plot;
}

const waiting = new Set();
function soon(what, act) {
  if (waiting.has(what)) return;
  waiting.add(what);
  requestAnimationFrame(() => {
    waiting.delete(what);
    act();
  });
}

function brushed() {
  if (line.setting) return;
  const [low, high] = [line.span.start, line.span.end].sort((a, b) => a - b);
  state.from = low <= extent[0] ? null : Math.ceil(low);
  state.to = high >= extent[1] ? null : Math.floor(high);
  byId("from").value = state.from === null ? "" : day(state.from);
  byId("to").value = state.to === null ? "" : day(state.to);
  refresh();
}

// The span as the state has it, after days were typed or all was reset.
function showSpan() {
  if (!line.span) return;
  line.setting = true;
  line.span.setv({ start: state.from ?? line.whole[0], end: state.to ?? line.whole[1] });
  line.setting = false;
}

function spanText() {
  const undated = moves.filter((move) => move.withheld).length;
  const parts = [];
  if (extent && extent[0] !== extent[1]) { // one time alone is told where the timeline stands
    const ends = [state.from ?? extent[0], state.to ?? extent[1]].map(day);
    const span = ends[0] === ends[1] ? ends[0] : ends.join(" to ");
    const all = undated ? "Payments with a time are of " : "All payments, ";
    parts.push((state.from === null && state.to === null ? all : "Payments of ") + span + ".");
  }
  if (undated) parts.push(counted(undated, "flow has", "flows have") + " payments whose time this edition withholds: shown whatever the span.");
  return parts.join(" ");
}
