// What is open, what is filtered, and which nodes and flows are seen because of it.
const nodes = data.nodes.map((node, id) => ({ ...node, id, inside: [] }));
for (const node of nodes) if (node.of !== null) nodes[node.of].inside.push(node.id);
const moves = data.moves.map((move) => ({
  ...move,
  amount: BigInt(move.amount),
  rows: move.rows.map(([txid, time, amount, why]) => {
    return { txid, time, at: /^\d{4}-/.test(time) ? Date.parse(time) : NaN, amount: BigInt(amount), why };
  }),
}));
const roles = new Map(data.roles.map((role) => [role.key, role]));
const times = moves.flatMap((move) => move.rows.map((row) => row.at)).filter((at) => !Number.isNaN(at));
const extent = times.length ? times.reduce(([a, b], at) => [Math.min(a, at), Math.max(b, at)], [Infinity, -Infinity]) : null;

const state = { open: new Set(), low: null, high: null, from: null, to: null, off: new Set(), chosen: null };
const before = [];
let view = null;

const opens = (id) => nodes[id].inside.length > 1;

// The node that stands for another now: the first on the way to it that is not open.
function standsFor(id) {
  const way = [id];
  while (nodes[way[0]].of !== null) way.unshift(nodes[way[0]].of);
  return way.find((one) => !state.open.has(one)) ?? id;
}

// What of a move lies in the span of time; null where nothing does.
function within(move) {
  const whole = { amount: move.amount, count: move.count, coarse: Boolean(move.coarse) };
  if (state.from === null && state.to === null) return whole;
  const fits = (row) => (state.from === null || row.at >= state.from) && (state.to === null || row.at <= state.to);
  const rows = move.rows.filter((row) => Number.isNaN(row.at) || fits(row));
  if (move.withheld) return whole; // not every payment of it has a time in this edition
  if (!rows.length) return null;
  return { amount: rows.reduce((sum, row) => sum + row.amount, 0n), count: rows.length, coarse: false };
}

function add(into, part) {
  into.amount += part.amount;
  into.count += part.count;
  into.coarse = into.coarse || part.coarse;
}

function look() {
  const flows = new Map();
  for (const move of moves) {
    const [source, target] = move.ends.map(standsFor);
    if (source === target || state.off.has(nodes[source].role) || state.off.has(nodes[target].role)) continue;
    const part = within(move);
    if (!part) continue;
    const key = source + ">" + target;
    if (!flows.has(key)) flows.set(key, { key, source, target, amount: 0n, count: 0, coarse: false, moves: [] });
    add(flows.get(key), part);
    flows.get(key).moves.push(move);
  }
  const kept = [...flows.values()].filter((flow) => {
    return (state.low === null || flow.amount >= state.low) && (state.high === null || flow.amount <= state.high);
  });
  kept.sort((a, b) => (a.amount < b.amount ? 1 : a.amount > b.amount ? -1 : a.source - b.source || a.target - b.target));
  const seen = new Map();
  const of = (id) => {
    if (!seen.has(id)) {
      seen.set(id, { id, node: nodes[id], into: [], out: [], came: { amount: 0n, count: 0, coarse: false }, went: { amount: 0n, count: 0, coarse: false } });
    }
    return seen.get(id);
  };
  for (const flow of kept) {
    of(flow.source).out.push(flow);
    of(flow.target).into.push(flow);
    add(of(flow.source).went, flow);
    add(of(flow.target).came, flow);
  }
  for (const one of seen.values()) {
    // What came to an entity as a whole was added up before it was rounded, and is said so.
    if (!filtered() && !isOpen(one.id)) for (const [side, name] of [["came", "in"], ["went", "out"]]) {
      if (one.node[name]) one[side] = { ...one[side], amount: BigInt(one.node[name][0]), coarse: one.node[name][1] };
    }
    one.value = one.came.amount > one.went.amount ? one.came : one.went;
  }
  view = { flows: kept, nodes: seen, byKey: new Map(kept.map((flow) => [flow.key, flow])) };
  settle();
  return view;
}

// Nodes keep their places; where one was opened, its column makes room for what it holds.
const LEAST = 9;
function settle() {
  const columns = new Map();
  const used = [...new Set([...view.nodes.values()].map((one) => one.node.at[0]))].sort((a, b) => a - b);
  const across = new Map(used.map((column, n) => [column, n])); // columns of folded nodes take no room
  for (const one of view.nodes.values()) {
    const row = one.node.at[1];
    const column = across.get(one.node.at[0]);
    one.x = column;
    one.y = row;
    if (!columns.has(column)) columns.set(column, []);
    columns.get(column).push(one);
  }
  for (const column of columns.values()) {
    column.sort((a, b) => a.y - b.y || a.id - b.id);
    let moved = 0;
    for (let n = 1; n < column.length; n += 1) {
      const least = column[n - 1].y + LEAST;
      if (column[n].y < least) {
        moved = Math.max(moved, least - column[n].y);
        column[n].y = least;
      }
    }
    for (const one of column) one.y -= moved / 2;
  }
  view.columns = columns;
}

function remember() {
  before.push(new Set(state.open));
}

function open(id) {
  remember();
  state.open.add(id);
}

function fold(id) {
  remember();
  for (const one of [id, ...nodes[id].inside]) state.open.delete(one);
}

// A node that is open and still stands in the figure itself: part of its flows is not told apart.
const isOpen = (id) => state.open.has(id);
const holder = (id) => nodes[id].of;

const filtered = () => state.low !== null || state.high !== null || state.from !== null || state.to !== null || state.off.size > 0;

// A number as people type it, with a point before its decimals; null where it may be read in two
// ways. Commas stand before three digits each where they group, as this page writes them; one comma
// after a zero, or before another number of digits, can only be a decimal comma.
function unambiguous(text) {
  const plain = text.replace(/[\s_]/g, "");
  if (/^\d+(\.\d*)?$/.test(plain)) return plain;
  if (/^[1-9]\d{0,2}(,\d{3})+\.\d*$/.test(plain) || /^[1-9]\d{0,2}(,\d{3}){2,}$/.test(plain)) return plain.replace(/,/g, "");
  if (/^0,\d+$/.test(plain) || (/^\d+,\d+$/.test(plain) && !/^[1-9]\d{0,2},\d{3}$/.test(plain))) return plain.replace(",", ".");
  return null;
}

// An amount in coins as people type it, in base units; null for nothing, undefined for no amount.
function typed(text) {
  if (!text.trim()) return null;
  const plain = unambiguous(text);
  if (plain === null) return undefined;
  const found = /^(\d{1,40})(?:\.(\d*))?$/.exec(plain);
  if (!found || (found[2] || "").length > data.decimals) return undefined;
  return BigInt(found[1] + (found[2] || "").padEnd(data.decimals, "0"));
}
