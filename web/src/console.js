// The console's one script: partial updates (htmx), the keyboard, and the live region.
import "htmx.org/dist/htmx.esm.js";
import { exporting } from "./export.js";
import { keyboard } from "./keyboard.js";

const live = document.getElementById("live");

document.addEventListener("htmx:after:swap", () => {
  const told = document.querySelector("[data-announce]");
  if (!told || !live) return;
  // A page that asks again every few seconds speaks only when its conclusion changed.
  if (live.textContent !== told.dataset.announce) live.textContent = told.dataset.announce;
  const title = document.querySelector("main h1");
  if (title && told.dataset.title) {
    title.textContent = told.dataset.title;
    document.title = `${told.dataset.title} · Launchworthy`;
  }
});

// A filter that is not set has no place in the URL.
document.addEventListener("htmx:config:request", (event) => {
  const { body } = event.detail.ctx.request;
  for (const [name, value] of [...body]) if (value === "") body.delete(name);
});

// What cannot be shown in part is asked for whole, so that the page says what is wrong.
for (const trouble of ["htmx:response:error", "htmx:error"]) {
  document.addEventListener(trouble, (event) => {
    const lost = event.detail.ctx?.sourceElement?.matches("[data-poll]") && document.querySelector("[data-lost]");
    if (lost) {
      lost.hidden = false;
      return;
    }
    const action = event.detail.ctx?.request?.action;
    if (action) location.assign(action);
  });
}

// Long text opens in place; printing opens all of it, but for the checklist: its claims print where they were opened.
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("main details:not([open]):not(.line)")) {
    part.open = true;
    part.dataset.printed = "";
  }
});
addEventListener("afterprint", () => {
  for (const part of document.querySelectorAll("details[data-printed]")) {
    part.open = false;
    delete part.dataset.printed;
  }
});

// What expires says how long is left, every second, and that it has expired.
const until = [...document.querySelectorAll("time[data-until]")];
if (until.length > 0) {
  setInterval(() => {
    for (const each of until) {
      const left = Math.floor((Number(each.dataset.until) - Date.now()) / 1000);
      const minutes = Math.floor(left / 60);
      each.textContent = left <= 0 ? "expired" : `${minutes > 0 ? `${minutes} min ` : ""}${left % 60} s left`;
    }
  }, 1000);
}

exporting();
keyboard();
