// Legend, and the details of what was chosen: what is known of it, and what that rests on.
const roleOf = (node) => roles.get(node.role).meaning;

function swatch(role) {
  const mark = make("canvas", { width: 20, height: 20, "aria-hidden": "true" });
  const ink = mark.getContext("2d");
  ink.translate(10, 10);
  ink.beginPath();
  const sides = { square: 4, diamond: 4, hex: 6, triangle: 3, inverted_triangle: 3 }[MARKS[role.key]];
  const turn = { square: Math.PI / 4, triangle: -Math.PI / 2, inverted_triangle: Math.PI / 2, hex: Math.PI / 6 }[MARKS[role.key]] || 0;
  for (let n = 0; n < (sides || 40); n += 1) {
    const angle = turn + (2 * Math.PI * n) / (sides || 40);
    ink.lineTo(8.5 * Math.cos(angle), 8.5 * Math.sin(angle));
  }
  ink.closePath();
  ink.fillStyle = role.colour;
  ink.fill();
  if (role.key === "unread") ink.setLineDash([3, 2]);
  ink.strokeStyle = "#1b1b1b";
  ink.stroke();
  ink.fillStyle = LIGHT.has(role.key) ? "#000" : "#fff";
  ink.font = "bold 9px " + FONT;
  ink.textAlign = "center";
  ink.textBaseline = "middle";
  ink.fillText(role.letter, 0, 0.5);
  return mark;
}

function buildLegend() {
  const counts = new Map();
  for (const node of nodes) if (!node.chain && (node.of === null || nodes[node.of].chain)) counts.set(node.role, (counts.get(node.role) || 0) + 1);
  const kinds = data.roles.map((role) => make("li", { class: "kind" },
    make("input", {
      type: "checkbox", id: "kind-" + role.key, checked: "", "data-role": role.key,
      on: { change: (event) => { state.off[event.target.checked ? "delete" : "add"](role.key); refresh(); } },
    }),
    swatch(role), make("label", { for: "kind-" + role.key }, role.meaning), make("span", { class: "note" }, String(counts.get(role.key) || 0))));
  const facts = data.facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, named(value))]);
  replace(byId("legend"),
    make("h2", {}, "Legend"),
    make("h3", {}, "Shown by kind"),
    make("ul", { class: "plain" }, ...kinds),
    make("p", { class: "note" }, "Money runs from left to right; what runs back is dashed. Lines are as wide, and marks as large, as the root of their amounts. ⊞ and a thick edge: opens, by double click or space."),
    make("h3", {}, "How it was made"),
    make("dl", {}, ...facts),
    make("h3", {}, "Where the value ends"),
    make("table", { id: "ends" },
      make("thead", {}, make("tr", {}, make("th", {}, "why"), make("th", { class: "amount" }, "amount"), make("th", { class: "amount" }, "ends"))),
      make("tbody", {}, ...data.ends.map(([why, amount, count]) => make("tr", {}, make("td", {}, named(why)), make("td", { class: "amount" }, amount), make("td", { class: "amount" }, count))))),
    make("h3", {}, "To read it"),
    make("p", { class: "note" }, named(data.words.caption)));
}

function link(text, act) {
  return make("button", { type: "button", class: "link", on: { click: act } }, named(text));
}

function flowList(title, flows, end) {
  if (!flows.length) return null;
  const shown = flows.slice(0, 40);
  const rows = shown.map((flow) => make("tr", {},
    make("td", {}, link(nodes[flow[end]].name, () => choose({ flow: flow.key }))),
    make("td", { class: "amount" }, told(flow))));
  const more = flows.length - shown.length;
  return make("div", {}, make("h3", {}, title + " (" + flows.length + ")"), make("table", {}, make("tbody", {}, ...rows)),
    more ? make("p", { class: "note" }, "and " + counted(more, "smaller one", "smaller ones") + ", in the table of flows") : null);
}

function pairs(rows) {
  return make("dl", {}, ...rows.filter(([, value]) => value !== null && value !== "").flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function said(sum) {
  return sum ? (sum[1] ? "≈ " : "") + exact(BigInt(sum[0])) + " " + data.unit : null;
}

function nodeDetails(id) {
  const node = nodes[id];
  const one = view.nodes.get(id);
  const whole = node.of !== null && !nodes[node.of].chain ? nodes[node.of] : null;
  const address = node.address && node.address !== node.name ? node.address : "";
  return [
    make("h2", {}, named(node.name)),
    make("div", { class: "row" }, ...actions(id), node.address ? copyButton(node.address, "address") : null),
    pairs([
      ["Role", roleOf(node) + (node.folded ? ", several parties drawn together" : "")],
      ["Address", address ? make("span", { class: "mono" }, named(address)) : ""],
      ["Of", whole ? link(whole.name, () => { fold(node.of); refresh(); choose({ node: node.of }); }) : null],
      ["Addresses", node.size > 1 ? node.size.toLocaleString("en") : ""],
      ["Came in", said(node.in) || told(one.came, exact)],
      ["Went out", said(node.out) || told(one.went, exact)],
      filtered() ? ["In sight", told(one.came) + " in, " + told(one.went) + " out"] : ["", ""],
    ]),
    node.chain ? make("p", { class: "note" }, "A run of wallets, each paid by the one before alone, that pass most of it on. How the flows look, for drawing; not a finding.") : null,
    node.chain ? make("ol", {}, ...node.inside.map((inner) => make("li", {}, named(nodes[inner].name)))) : null,
    tagTable(node),
    members(node),
    linkTable(node),
    flowList("Paid by", one.into, "source"),
    flowList("Pays", one.out, "target"),
  ];
}

function actions(id) {
  const node = nodes[id];
  const act = (what, how) => () => { how(); refresh(); choose({ node: view.nodes.has(id) ? id : node.of ?? node.inside[0] }); say(what); };
  const buttons = [];
  if (opens(id) && !isOpen(id)) buttons.push(make("button", { type: "button", id: "open", on: { click: act("Opened", () => open(id)) } }, node.chain ? "Open the chain" : "Open the cluster"));
  const inner = isOpen(id) ? id : node.of;
  if (inner !== null && isOpen(inner)) buttons.push(make("button", { type: "button", id: "fold", on: { click: () => { fold(inner); refresh(); choose({ node: inner }); say("Folded"); } } }, "Fold"));
  return buttons;
}

function tagTable(node) {
  if (!node.tags || !node.tags.length) return node.role === "bystander" ? make("p", { class: "note" }, "No tag names it.") : null;
  const rows = node.tags.map(([label, concept, source, confidence, first, last, asOf]) => make("li", {},
    make("b", {}, named(label)), concept ? " (" + concept + ")" : "",
    pairs([["Source", named(source)], ["Said on", asOf || "not stated"], ["Valid", (first || "undated") + (last ? " to " + last : "")], ["Confidence", confidence]])));
  return make("div", { id: "tags" }, make("h3", {}, "Tags (" + node.tags.length + ")"), make("ul", { class: "plain" }, ...rows));
}

function members(node) {
  if (!node.members || !node.members.length) return null;
  const more = node.more ? make("p", { class: "note" }, "and " + counted(node.more, "further address", "further addresses")) : null;
  return make("details", { id: "members" }, make("summary", {}, counted(node.members.length + node.more, "address", "addresses") + " of the cluster"),
    make("ul", { class: "plain mono" }, ...node.members.map((one) => make("li", {}, named(one)))), more);
}

function linkTable(node) {
  if (!node.links || !node.links.length) return null;
  const rows = node.links.map(([a, b, rule, txid, time, confidence, basis]) => make("li", {},
    make("span", {}, rule + (confidence ? ", confidence " + confidence + " (" + (basis || "on what it was counted is not known") + ")" : ", not measured") + (time ? ", " + moment(time) : "")),
    make("div", { class: "mono" }, named(short(a, 22)), " – ", named(short(b, 22))),
    txid ? txidLine(txid) : null));
  const more = node.links_more ? make("p", { class: "note" }, "and " + counted(node.links_more, "further link", "further links")) : null;
  return make("details", { id: "links" }, make("summary", {}, counted(node.links.length + node.links_more, "link", "links") + " behind it, the weakest first"),
    make("ul", { class: "plain" }, ...rows), more);
}

function txidLine(txid) {
  const known = /^(0x)?[0-9a-f]{16,}$/i.test(txid);
  return make("div", { class: "row" }, make("span", { class: "mono txid", title: txid }, known ? short(txid, 24) : txid), known ? copyButton(txid, "transaction id") : null);
}

function flowDetails(key) {
  const flow = view.byKey.get(key);
  const rows = flow.moves.flatMap((move) => move.rows).filter((row) => Number.isNaN(row.at) || ((state.from === null || row.at >= state.from) && (state.to === null || row.at <= state.to)));
  rows.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  const stamps = rows.map((row) => row.time).filter((time) => /^\d/.test(time));
  const shown = rows.slice(0, 200);
  const hidden = flow.moves.filter((move) => move.withheld).reduce((sum, move) => sum + move.count, 0) - rows.length;
  const withheld = flow.moves.some((move) => move.withheld);
  return [
    make("h2", {}, named(nodes[flow.source].name), " → ", named(nodes[flow.target].name)),
    pairs([
      ["From", link(nodes[flow.source].name, () => choose({ node: flow.source }))],
      ["To", link(nodes[flow.target].name, () => choose({ node: flow.target }))],
      ["Amount", told(flow, exact)],
      ["Payments", (flow.coarse ? "≈ " : "") + flow.count.toLocaleString("en")],
      ["First", stamps.length ? moment(stamps[0]) + " UTC" : "time withheld"],
      ["Last", stamps.length ? moment(stamps[stamps.length - 1]) + " UTC" : "time withheld"],
      ["Policy", data.facts[0][1]],
    ]),
    make("p", { class: "note" }, flow.coarse ? "Rounded: a masked party stands behind it." : null),
    withheld && hidden > 0 ? make("p", { class: "note" }, (flow.coarse ? "About " : "") + counted(hidden, "payment is", "payments are") + " withheld in this edition: a masked party stands in each transaction.") : null,
    make("h3", {}, "Transactions (" + rows.length + ")"),
    make("ul", { class: "plain", id: "transactions" }, ...shown.map((row) => make("li", {}, txidLine(row.txid),
      make("div", {}, moment(row.time) + " · " + exact(row.amount) + " " + data.unit), make("div", { class: "note" }, named(row.why))))),
    rows.length > shown.length ? make("p", { class: "note" }, "and " + counted(rows.length - shown.length, "further one", "further ones") + ": save as CSV") : null,
  ];
}

// Choose a node or a flow, or nothing: it is marked in the figure and told in the panel.
function choose(what, focus) {
  state.chosen = what && (what.node !== undefined ? view.nodes.has(what.node) : view.byKey.has(what.flow)) ? what : null;
  const details = byId("details");
  details.hidden = !state.chosen;
  if (state.chosen) {
    const close = make("button", { type: "button", id: "close", "aria-label": "Close details", on: { click: () => { choose(null); byId("figure").focus(); } } }, "Close");
    replace(details, make("div", { class: "row" }, close), ...(what.node !== undefined ? nodeDetails(what.node) : flowDetails(what.flow)));
    byId("side").scrollTop = 0;
    say(spokenOf(state.chosen));
    if (focus) details.focus();
  } else {
    replace(details);
  }
  draw();
  markTable();
}

function spokenOf(what) {
  if (what.flow) {
    const flow = view.byKey.get(what.flow);
    return nodes[flow.source].name + " pays " + nodes[flow.target].name + " " + told(flow);
  }
  const one = view.nodes.get(what.node);
  return one.node.name + ", " + roleOf(one.node) + ", " + told(one.value) + ", paid by " + one.into.length + ", pays " + one.out.length
    + (opens(one.id) ? ", can be opened" : "");
}
