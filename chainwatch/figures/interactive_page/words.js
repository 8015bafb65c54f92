// How amounts, times and elements are written. Every text of data goes in as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (name) => document.getElementById(name);

function make(tag, attributes, ...children) {
  const one = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "on") for (const [event, act] of Object.entries(value)) one.addEventListener(event, act);
    else if (value !== null && value !== undefined && value !== false) one.setAttribute(name, value);
  }
  for (const child of children) {
    if (child !== null && child !== undefined) one.append(child);
  }
  return one;
}

// A stranger's name stands apart from what is beside it, whichever way it runs.
const named = (text) => make("bdi", {}, text);

function replace(parent, ...children) {
  parent.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
}

function grouped(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}

// A whole amount in base units, to its last digit.
function exact(amount) {
  const text = amount.toString().padStart(data.decimals + 1, "0");
  const at = text.length - data.decimals;
  const part = text.slice(at).replace(/0+$/, "");
  return grouped(text.slice(0, at)) + (part ? "." + part : "");
}

// To four decimals, or four digits below one; half a unit goes up.
function brief(amount) {
  const size = amount.toString().length;
  let places = size > data.decimals ? 4 : data.decimals - size + 4;
  places = Math.min(places, data.decimals);
  const unit = 10n ** BigInt(data.decimals - places);
  return exact((amount + unit / 2n) / unit * unit);
}

// A sum of rounded amounts has digits that mean nothing: two are left.
function twoDigits(amount) {
  const unit = 10n ** BigInt(Math.max(0, amount.toString().length - 2));
  return (amount + unit / 2n) / unit * unit;
}

// What may be said of a sum, wherever it is said: in the figure, the table, a file.
const sayable = (sum) => (sum.coarse ? twoDigits(sum.amount) : sum.amount);

function told(sum, write) {
  return (sum.coarse ? "≈ " : "") + (write || brief)(sayable(sum)) + " " + data.unit;
}

function counted(number, one, many) {
  return number.toLocaleString("en") + " " + (number === 1 ? one : many);
}

const moment = (text) => (/^\d/.test(text) ? text.replace("T", " ").replace("Z", "") : text);
const day = (time) => new Date(time).toISOString().slice(0, 10);
const short = (text, most) => (text.length > most ? text.slice(0, most * 0.6) + "…" + text.slice(-most * 0.3) : text);

let spoken = null;
function say(text) {
  if (text !== spoken) byId("live").textContent = spoken = text;
}

async function copy(text) {
  let done = false;
  if (navigator.clipboard && window.isSecureContext) {
    done = await navigator.clipboard.writeText(text).then(() => true, () => false);
  }
  if (!done) {
    const field = make("textarea", { class: "unseen", "aria-hidden": "true" });
    const before = document.activeElement;
    field.value = text;
    document.body.append(field);
    field.select();
    done = document.execCommand("copy");
    field.remove();
    if (before) before.focus();
  }
  say(done ? "Copied " + text : "This browser did not let it be copied: " + text);
  return done;
}

function copyButton(text, what) {
  const button = make("button", { type: "button", "data-copy": text, "aria-label": "Copy " + what + " " + text }, "Copy");
  button.addEventListener("click", async () => {
    const done = await copy(text);
    button.textContent = done ? "Copied" : "Not copied";
  });
  return button;
}
