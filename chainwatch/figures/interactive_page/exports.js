// What is seen, as a picture and as a table, made in the page: nothing is sent anywhere.
function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const anchor = make("a", { href: url, download: name });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  URL.revokeObjectURL(url);
  say("Saved " + name);
}

// A spreadsheet takes a cell that begins so for a formula: an apostrophe before it makes it text.
const FORMULA = /(^\s*|[;\t\r\n]\s*)([=+\-@\uff1d\uff0b\uff0d\uff20])/g;
function cell(value) {
  const text = typeof value === "string" ? value.replace(FORMULA, "$1'$2") : String(value);
  return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
}

function csv() {
  const head = ["source", "source_role", "source_address", "target", "target_role", "target_address", "amount", "amount_" + data.unit, "rounded", "payments", "first", "last", "txids"];
  const lines = view.flows.map((flow) => {
    const [from, to] = [nodes[flow.source], nodes[flow.target]];
    const rows = flow.moves.flatMap((move) => move.rows);
    const stamps = rows.map((row) => row.time).filter((time) => /^\d/.test(time)).sort();
    const ids = [...new Set(rows.map((row) => row.txid))].sort();
    const amount = sayable(flow); // the same digits as the table
    return [from.name, roleOf(from), from.address, to.name, roleOf(to), to.address, amount.toString(), exact(amount).replace(/,/g, ""), flow.coarse, flow.count, stamps[0] || "", stamps[stamps.length - 1] || "", ids.join(" ")];
  });
  return [head, ...lines].map((line) => line.map(cell).join(",")).join("\n") + "\n";
}

const plainText = (text) => text.replace(/[&<>]/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[one]);

// Bokeh draws what is seen once more, as SVG; what it is, and how it was made, goes in as text.
async function svg() {
  const blob = await picture.view.export("svg").to_blob();
  const drawn = await blob.text();
  const told = [data.words.edition, ...data.facts.map(([name, value]) => name + ": " + value), data.words.caption].join("\n");
  const head = "<title>" + plainText(data.words.title) + "</title><desc>" + plainText(told) + "</desc>";
  return drawn.replace(/<svg([^>]*)>/, (all) => all + head);
}
