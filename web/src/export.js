// What a page shows, to take along: each table as CSV, each plot as SVG (one drawn on a canvas as PNG).
const ground = () => getComputedStyle(document.documentElement).getPropertyValue("--card").trim();

const PAINT = [
  "fill", "fill-opacity", "font-family", "font-size", "font-weight", "opacity", "stroke", "stroke-dasharray",
  "stroke-linecap", "stroke-width", "text-anchor",
];
const FORMULA = /^[=+\-@\t\r＝＋－＠]/;
const NUMBER = /^[+-]?\d[\d,.]*(e[+-]?\d+)?(\s?(%|[A-Za-z]{1,6}))?$/;

const line = (text) => text.replace(/\s+/g, " ").trim();
const shown = (element) => element.checkVisibility() && !element.closest("[aria-hidden=true], dialog");

// The words of a cell; a spreadsheet must not take what somebody typed for a formula.
function cell(element) {
  const copy = element.cloneNode(true);
  for (const hidden of copy.querySelectorAll("[aria-hidden=true], svg, form")) hidden.remove();
  for (const apart of copy.querySelectorAll("br, dd, details, div, li, p, pre")) apart.before(" ");
  const text = line(copy.textContent);
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const csv = (table) => [...table.rows].map((row) => [...row.cells].map(cell).join(",")).join("\r\n") + "\r\n";

// Colours are tokens of the page: each element takes along how it is painted.
function svg(drawing) {
  const copy = drawing.cloneNode(true);
  const { width, height } = drawing.getBoundingClientRect();
  const originals = [drawing, ...drawing.querySelectorAll("*")];
  for (const [place, element] of [copy, ...copy.querySelectorAll("*")].entries()) {
    const style = getComputedStyle(originals[place]);
    for (const name of PAINT) element.setAttribute(name, style.getPropertyValue(name));
    element.removeAttribute("class");
  }
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", Math.round(width));
  copy.setAttribute("height", Math.round(height));
  const card = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  card.setAttribute("width", "100%");
  card.setAttribute("height", "100%");
  card.setAttribute("fill", ground());
  copy.querySelector("desc, title")?.after(card);
  return new XMLSerializer().serializeToString(copy);
}

// A canvas has no ground of its own: what is light on a dark card would be lost on a white page.
function png(canvas) {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const context = copy.getContext("2d");
  context.fillStyle = ground();
  context.fillRect(0, 0, copy.width, copy.height);
  context.drawImage(canvas, 0, 0);
  return new Promise((done) => copy.toBlob(done, "image/png"));
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const named = (text, kind) => {
  const words = `${location.pathname} ${text}`.normalize("NFKD").toLowerCase();
  return `${words.replace(/[^a-z0-9@.]+/g, "-").replace(/^-|-$/g, "").slice(0, 120)}.${kind}`;
};

function parts() {
  const found = [];
  for (const table of document.querySelectorAll("main table")) {
    if (!shown(table)) continue;
    const name = table.closest("[aria-label]")?.getAttribute("aria-label") ?? "Table";
    found.push([name, "csv", async () => new Blob(["\ufeff", csv(table)], { type: "text/csv;charset=utf-8" })]);
  }
  for (const drawing of document.querySelectorAll("main svg[role=img]")) {
    if (!shown(drawing) || !drawing.querySelector("title")) continue;
    const name = drawing.querySelector("title").textContent;
    found.push([name, "svg", async () => new Blob([svg(drawing)], { type: "image/svg+xml" })]);
  }
  // Its canvas may be drawn after this page was first asked what it has.
  for (const figure of document.querySelectorAll("main figure[data-series]")) {
    const name = figure.closest("section")?.querySelector("h2")?.textContent ?? "Series";
    found.push([line(name), "png", () => png(figure.querySelector("canvas"))]);
  }
  return found;
}

function row([name, kind, make]) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = kind.toUpperCase();
  button.setAttribute("aria-label", `${name} as ${kind.toUpperCase()}`);
  button.addEventListener("click", async () => save(await make(), named(name, kind)));
  const text = document.createElement("bdi");
  text.textContent = name;
  item.append(button, " ", text);
  return item;
}

export function exporting() {
  const open = document.getElementById("open-export");
  const dialog = document.getElementById("export");
  if (!open || !dialog || parts().length === 0) return;
  open.hidden = false;
  open.addEventListener("click", () => {
    dialog.querySelector("ul").replaceChildren(...parts().map(row));
    dialog.showModal();
  });
}
