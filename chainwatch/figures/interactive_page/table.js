// The flows that are seen as a table: the same in text, for whoever cannot see or point.
const MOST = 500;

function fillTable() {
  const place = byId("table");
  if (place.hidden) return;
  const rows = view.flows.slice(0, MOST).map((flow) => make("tr", { "data-flow": flow.key },
    make("td", {}, named(nodes[flow.source].name)), make("td", {}, roleOf(nodes[flow.source])),
    make("td", {}, named(nodes[flow.target].name)), make("td", {}, roleOf(nodes[flow.target])),
    make("td", { class: "amount" }, told(flow, exact)), make("td", { class: "amount" }, (flow.coarse ? "≈ " : "") + flow.count),
    make("td", {}, make("button", { type: "button", on: { click: () => { choose({ flow: flow.key }, true); } } }, "Details"))));
  const head = ["from", "role", "to", "role", "amount", "payments", ""].map((name) => make("th", { scope: "col", class: name === "amount" || name === "payments" ? "amount" : null }, name));
  const more = view.flows.length - rows.length;
  replace(place, make("table", {}, make("caption", { class: "unseen" }, "Flows in sight, the largest first"), make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)),
    more > 0 ? make("p", { class: "note" }, "and " + counted(more, "smaller flow", "smaller flows") + ": filter, or save as CSV") : null);
  markTable();
}

function markTable() {
  const near = state.chosen ? chosenFlows() : new Set();
  for (const row of byId("table").querySelectorAll("tr[data-flow]")) row.classList.toggle("chosen", near.has(row.dataset.flow));
}

function toggleTable() {
  const button = byId("show-table");
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  byId("table").hidden = !open;
  fillTable();
}
