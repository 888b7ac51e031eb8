// Single keys: ? help, j and k through the records of a page, / to its first filter. Never while typing,
// never with a modifier, and off for whoever ticks it off in the help.
const OFF = "launchworthy.keys.off";

const typing = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

function stored() {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false;
  }
}

function store(off) {
  try {
    localStorage.setItem(OFF, off ? "1" : "0");
  } catch {
    // A browser that keeps nothing still has the choice for this page.
  }
}

function move(step) {
  const records = [...document.querySelectorAll("main [data-record]")].filter((each) => each.checkVisibility());
  if (records.length === 0) return;
  const at = records.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : records.length - 1) : Math.min(records.length - 1, Math.max(0, at + step));
  records[next].focus();
  records[next].scrollIntoView({ block: "nearest" });
}

// The button of a key: within the record that has the focus, or of the only record there is.
function press(key) {
  const items = [...document.querySelectorAll("main [data-item]")];
  const item = document.activeElement?.closest("[data-item]") ?? (items.length === 1 ? items[0] : null);
  const found = item?.querySelector(`[data-key="${key}"]`);
  if (!found) return false;
  const opened = found.closest("details");
  if (opened && found.tagName === "SUMMARY") {
    opened.open = true;
    opened.querySelector("input:not([type=hidden])")?.focus();
  } else found.click();
  return true;
}

export function keyboard() {
  const help = document.getElementById("keys");
  const single = document.getElementById("single-keys");
  let off = stored();
  if (single) {
    single.checked = !off;
    single.addEventListener("change", () => {
      off = !single.checked;
      store(off);
    });
  }
  document.getElementById("open-keys")?.addEventListener("click", () => help.showModal());

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "?") {
      event.preventDefault();
      if (!help.open) help.showModal();
      return;
    }
    if (off || help.open) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (/^[a-z]$/.test(event.key) && press(event.key)) event.preventDefault();
    else if (event.key === "/") {
      const field = document.querySelector("main form input, main form select");
      if (!field) return;
      event.preventDefault();
      field.closest("details")?.setAttribute("open", "");
      field.focus();
    }
  });
}
