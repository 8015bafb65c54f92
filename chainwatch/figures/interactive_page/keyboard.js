// All that can be done by pointing can be done by keys, from node to node along the flows.
const largest = (flows, end) => (flows.length ? flows[0][end] : null);

function beside(id, key) {
  const one = view.nodes.get(id);
  if (key === "ArrowRight") return largest(one.out, "target");
  if (key === "ArrowLeft") return largest(one.into, "source");
  const column = [...view.columns.get(one.x)].sort((a, b) => a.y - b.y || a.id - b.id);
  const at = column.indexOf(one) + (key === "ArrowDown" ? 1 : -1);
  return column[at] ? column[at].id : null;
}

function firstNode() {
  const all = [...view.nodes.values()];
  const subjects = all.filter((one) => one.node.role === "subject");
  const best = (subjects.length ? subjects : all).sort((a, b) => (a.value.amount < b.value.amount ? 1 : -1))[0];
  return best ? best.id : null;
}

function toggle(id) {
  const inner = opens(id) && !isOpen(id) ? null : isOpen(id) ? id : nodes[id].of;
  if (inner === null && !opens(id)) return;
  if (inner === null) open(id);
  else if (isOpen(inner)) fold(inner);
  else return;
  refresh();
  choose({ node: inner === null ? (view.nodes.has(id) ? id : nodes[id].inside.map(standsFor).find((one) => view.nodes.has(one))) : inner });
  say((inner === null ? "Opened, " : "Folded, ") + (state.chosen ? spokenOf(state.chosen) : ""));
}

function pressed(event) {
  const { key } = event;
  if (event.altKey || event.metaKey || event.ctrlKey) return;
  const id = state.chosen && state.chosen.node !== undefined ? state.chosen.node : null;
  if (key.startsWith("Arrow")) {
    const next = id === null ? firstNode() : beside(id, key);
    if (next === null) say("Nothing further that way");
    else { goTo(next); choose({ node: next }); }
  } else if (key === "Enter" && state.chosen) byId("details").focus();
  else if (key === " " && id !== null) toggle(id);
  else if (key === "+" || key === "=") zoom(0.7, id === null ? null : view.nodes.get(id));
  else if (key === "-") zoom(1 / 0.7, id === null ? null : view.nodes.get(id));
  else if (key === "0") showAll();
  else return;
  event.preventDefault();
}

function undo() {
  if (!before.length) return;
  state.open = before.pop();
  refresh();
  say("Undone");
}
