// Puts the page together, and draws it anew when something is opened, filtered or searched.
function refresh() {
  look();
  redraw();
}

function redraw() {
  if (picture.fitted) showAll();
  const chosen = state.chosen;
  if (chosen && !(chosen.flow ? view.byKey.has(chosen.flow) : view.nodes.has(chosen.node))) choose(null);
  else if (chosen) choose(chosen);
  else draw();
  fillTable();
  const all = moves.length;
  const seen = counted(view.nodes.size, "node", "nodes") + ", " + counted(view.flows.length, "flow", "flows") + " in sight";
  byId("seen").textContent = seen + (filtered() ? "; filters hide others." : ", of " + counted(all, "movement", "movements") + ".");
  byId("span").textContent = spanText();
  byId("undo").disabled = !before.length;
}

function reset() {
  Object.assign(state, { open: new Set(), low: null, high: null, from: null, to: null, off: new Set(), chosen: null });
  before.length = 0;
  for (const name of ["low", "high", "from", "to", "search"]) {
    byId(name).value = "";
    byId(name).removeAttribute("aria-invalid");
  }
  sayUnread();
  for (const box of document.querySelectorAll("input[data-role]")) box.checked = true;
  byId("found").hidden = true;
  showSpan();
  choose(null);
  refresh();
  showAll();
  say("All is shown");
}

// Says in words which amounts were not taken: a red edge alone tells nobody what is wrong.
function sayUnread() {
  const wrong = ["low", "high"].filter((name) => byId(name).getAttribute("aria-invalid") === "true");
  const texts = wrong.map((name) => "“" + byId(name).value.trim() + "”").join(" and ");
  byId("unread").hidden = !wrong.length;
  byId("unread").textContent = wrong.length
    ? texts + (wrong.length > 1 ? " are no amounts" : " is no amount") + " that can be read in one way only, and " +
      (wrong.length > 1 ? "do" : "does") + " not filter: write 1234" + (data.decimals ? ".5, with at most " + counted(data.decimals, "decimal", "decimals") : "") + "."
    : "";
}

function filterAmount() {
  for (const name of ["low", "high"]) {
    const value = typed(byId(name).value);
    byId(name).setAttribute("aria-invalid", String(value === undefined));
    state[name] = value === undefined ? null : value;
  }
  sayUnread();
  refresh();
}

function filterDays() {
  const read = (name, more) => {
    const time = Date.parse(byId(name).value);
    return Number.isNaN(time) ? null : time + more;
  };
  state.from = read("from", 0);
  state.to = read("to", DAY - 1);
  showSpan();
  refresh();
}

let searchable = null;
function search(words) {
  searchable = searchable || [
    ...nodes.map((node) => ({
      what: { node: node.id }, title: node.name, kind: roleOf(node),
      text: [node.name, node.address, ...(node.members || []), ...(node.tags || []).flat()].join(" ").toLowerCase(),
    })),
    ...moves.flatMap((move) => move.rows.map((row) => ({ what: { move }, title: row.txid, kind: moment(row.time), text: row.txid.toLowerCase() }))),
  ];
  const wanted = words.trim().toLowerCase();
  const found = [];
  const known = new Set();
  for (const one of wanted ? searchable : []) {
    if (!one.text.includes(wanted) || (one.what.move && known.has(one.title))) continue;
    known.add(one.title);
    found.push(one);
    if (found.length === 30) break;
  }
  return found;
}

function meet(what) {
  const target = what.move
    ? { flow: what.move.ends.map(standsFor).join(">") }
    : { node: standsFor(what.node) };
  if (target.flow && new Set(what.move.ends.map(standsFor)).size === 1) target.node = standsFor(what.move.ends[0]);
  const there = target.node !== undefined ? view.nodes.has(target.node) : view.byKey.has(target.flow);
  if (!there) {
    say("It is hidden by the filters");
    byId("seen").textContent = "What was found is hidden by the filters: reset to see it.";
    return;
  }
  goTo(target.node ?? view.byKey.get(target.flow).target);
  choose(target.node !== undefined ? { node: target.node } : target);
}

function showFound() {
  const words = byId("search").value;
  const found = search(words);
  const list = byId("found");
  list.hidden = !words.trim();
  replace(list, ...found.map((one) => make("li", {}, make("button", {
    type: "button", on: { click: () => { list.hidden = true; meet(one.what); byId("figure").focus(); } },
  }, named(one.title), " ", make("small", {}, one.kind)))), found.length ? null : make("li", {}, make("p", {}, "Nothing found")));
  if (words.trim()) say(found.length ? counted(found.length, "result", "results") : "Nothing found");
}

function tip(event) {
  const box = byId("tip");
  const what = event && under(event.sx, event.sy);
  picture.view.el.style.cursor = what ? "pointer" : "default";
  box.hidden = !what;
  if (!what) return;
  const { flow } = what;
  const one = flow ? view.byKey.get(flow) : view.nodes.get(what.node);
  const lines = flow
    ? [make("b", {}, named(nodes[one.source].name), " → ", named(nodes[one.target].name)), told(one, exact), make("br"), counted(one.count, "payment", "payments")]
    : [make("b", {}, named(one.node.name)), roleOf(one.node), make("br"), told(one.came) + " in, " + told(one.went) + " out"];
  replace(box, ...lines);
  const room = byId("stage").getBoundingClientRect();
  box.style.left = Math.max(4, Math.min(event.sx + 14, room.width - box.offsetWidth - 6)) + "px";
  box.style.top = Math.max(4, Math.min(event.sy + 14, room.height - box.offsetHeight - 6)) + "px";
}

function resized() {
  if (picture.fitted) showAll();
  label();
}

function listen() {
  const { plot } = picture;
  plot.on_event("tap", (event) => choose(under(event.sx, event.sy)));
  plot.on_event("doubletap", (event) => {
    const what = under(event.sx, event.sy);
    if (what && what.node !== undefined) toggle(what.node);
  });
  plot.on_event("mousemove", (event) => soon("tip", () => tip(event)));
  for (const gesture of ["panstart", "wheel"]) plot.on_event(gesture, () => { picture.fitted = false; });
  plot.on_event("mouseleave", () => soon("tip", () => tip(null)));
  for (const range of [plot.x_range, plot.y_range]) range.change.connect(() => soon("label", label));
  for (const side of ["inner_width", "inner_height"]) plot.properties[side].change.connect(() => soon("size", resized));
  byId("figure").addEventListener("keydown", pressed);
  byId("nearer").addEventListener("click", () => zoom(0.7));
  byId("farther").addEventListener("click", () => zoom(1 / 0.7));
  byId("whole").addEventListener("click", showAll);
  byId("undo").addEventListener("click", undo);
  byId("reset").addEventListener("click", reset);
  byId("save-csv").addEventListener("click", () => save(new Blob([csv()], { type: "text/csv" }), "flows.csv"));
  byId("save-svg").addEventListener("click", async () => save(new Blob([await svg()], { type: "image/svg+xml" }), "flows.svg"));
  byId("show-table").addEventListener("click", toggleTable);
  for (const name of ["low", "high"]) byId(name).addEventListener("input", filterAmount);
  for (const name of ["from", "to"]) byId(name).addEventListener("change", filterDays);
  byId("search").addEventListener("input", showFound);
  byId("search").addEventListener("keydown", (event) => {
    const first = byId("found").querySelector("button");
    if (event.key === "Enter" && first) first.click();
    else if (event.key === "ArrowDown" && first) { first.focus(); event.preventDefault(); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && event.target.tagName !== "INPUT") { undo(); event.preventDefault(); }
    if (event.key !== "Escape") return;
    byId("found").hidden = true;
    if (state.chosen) { choose(null); byId("figure").focus(); }
  });
}

async function start() {
  byId("title").textContent = data.words.title;
  byId("edition").textContent = "Edition: " + data.words.edition;
  byId("unit").textContent = data.unit;
  look();
  buildLegend();
  build();
  showAll();
  picture.view = await show(picture.plot, byId("figure"));
  picture.ready = true;
  showAll();
  listen();
  redraw();
  requestAnimationFrame(() => requestAnimationFrame(async () => {
    performance.mark("drawn");
    const timeline = buildTimeline();
    if (timeline) await show(timeline, byId("timeline"));
    document.body.dataset.drawn = String(Math.round(performance.getEntriesByName("drawn")[0].startTime));
  }));
}

start().catch((error) => {
  byId("nothing").hidden = false;
  byId("nothing").textContent = "The figure could not be drawn: " + error.message;
  throw error;
});
