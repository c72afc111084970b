/**
 * The picker's list: ticks go to the tray on the server, and the keyboard moves through the rows.
 * The tray's rows on the server are the truth; this only reports clicks and mirrors the answer.
 */
import { text } from "./text.js";

const ROW = "tbody tr:not(.load)";

let isListening = false;

export function init(root) {
  listen();
  for (const tray of within(root, "#picker-tray")) mirror(tray);
  for (const rows of new Set([...within(root, "[data-rows]"), root.closest?.("[data-rows]")])) {
    if (rows) refresh(rows);
  }
  for (const panel of within(root, "#picker-panel")) nameSource(panel);
}

function within(root, selector) {
  const inside = root.querySelectorAll ? [...root.querySelectorAll(selector)] : [];
  return root.matches?.(selector) ? [root, ...inside] : inside;
}

/** Listens on the document, so that rows work from the moment they are there. */
function listen() {
  if (isListening) return;
  isListening = true;
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-rows] input[name=choice]")) {
      send(event.target.form, [event.target], event.target.checked);
    } else if (event.target.matches("[data-all]")) {
      chooseAll(event.target);
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.matches?.("[data-rows] input[name=choice]")) rangeClick(event.target.form, event);
  });
  document.addEventListener("keydown", (event) => {
    const rows = event.target.closest?.("[data-rows]");
    if (rows) key(rows, event);
  });
}

function chooseAll(all) {
  const rows = all.closest(".folder").querySelector("[data-rows]");
  const changed = boxes(rows).filter((box) => box.checked !== all.checked);
  for (const box of changed) box.checked = all.checked;
  if (changed.length) send(rows, changed, all.checked);
}

/** Marks the tab of the source whose side is shown. */
function nameSource(panel) {
  for (const tab of document.querySelectorAll(".sources .tab")) {
    if (tab.dataset.source === panel.dataset.source) tab.setAttribute("aria-current", "true");
    else tab.removeAttribute("aria-current");
  }
}

function boxes(rows) {
  return [...rows.querySelectorAll("input[name=choice]")];
}

/** Tells the server about ticks; one after the other, so that the last click wins. */
let queue = Promise.resolve();

function send(rows, changed, isChosen) {
  mark(changed);
  const values = { in: rows.elements.in.value };
  values[isChosen ? "choice" : "remove"] = changed.map((box) => box.value);
  queue = queue.then(() =>
    htmx.ajax("POST", rows.action, {
      source: "#picker-tray",
      target: "#picker-tray",
      swap: "outerHTML",
      values,
    }),
  );
}

function mark(changed) {
  for (const box of changed) box.closest("tr").classList.toggle("on", box.checked);
}

/** The answer of the server is the tray; ticks that it does not hold are taken back. */
function mirror(tray) {
  if (!tray.dataset.ids) return;
  const held = new Set(tray.dataset.ids.split(" "));
  for (const box of document.querySelectorAll("[data-rows] input[name=choice]")) {
    const isHeld = held.has(box.dataset.id);
    if (box.dataset.id && box.checked !== isHeld) {
      box.checked = isHeld;
      mark([box]);
    }
  }
}

/** Shift and a click choose everything between the last click and this one. */
let lastBox = null;

function rangeClick(rows, event) {
  const box = event.target;
  const list = boxes(rows);
  if (event.shiftKey && lastBox && list.includes(lastBox)) {
    const [from, to] = [list.indexOf(lastBox), list.indexOf(box)].sort((a, b) => a - b);
    const changed = list.slice(from, to + 1).filter((other) => other !== box && other.checked !== box.checked);
    for (const other of changed) other.checked = box.checked;
    if (changed.length) send(rows, changed, box.checked);
  }
  lastBox = box;
}

/** One tab stop for the list: arrows, Home and End move, Enter opens, "/" searches. */
function refresh(rows) {
  const controls = stops(rows);
  const current = controls.find((control) => control.tabIndex === 0 && control.dataset.stop) ?? controls[0];
  for (const control of controls) {
    control.dataset.stop = "";
    control.tabIndex = control === current ? 0 : -1;
  }
  const count = rows.closest(".folder").querySelector("[data-count]");
  const shown = rows.querySelectorAll(ROW).length;
  if (count && rows.dataset.shown && Number(rows.dataset.shown) !== shown) {
    const hasMore = rows.querySelector("tr.load") !== null;
    count.textContent = text(hasMore ? "showing-more" : "showing-all", { num: shown });
  }
  rows.dataset.shown = shown;
  const all = rows.closest(".folder").querySelector("[data-all-label]");
  if (all) all.hidden = boxes(rows).length === 0;
}

function stops(rows) {
  return [...rows.querySelectorAll(`${ROW} a, ${ROW} input`)].filter((control) => !control.closest("thead"));
}

function key(rows, event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const controls = stops(rows);
  const index = controls.indexOf(document.activeElement);
  if (index < 0) return;
  const target = {
    ArrowDown: controls[index + 1],
    ArrowUp: controls[index - 1],
    Home: controls[0],
    End: controls.at(-1),
  }[event.key];
  if (target) {
    event.preventDefault();
    move(controls, target);
    if (event.shiftKey && target.name === "choice" && !target.checked) target.click();
  } else if (event.key === "Enter" && document.activeElement.name === "choice") {
    event.preventDefault();
    document.activeElement.click();
  } else if (event.key === "Backspace") {
    const up = rows.closest(".folder").querySelector(".path .up a");
    if (up) {
      event.preventDefault();
      up.click();
    }
  } else if (event.key === "/") {
    event.preventDefault();
    document.getElementById("picker-q")?.focus();
  }
}

function move(controls, target) {
  for (const control of controls) control.tabIndex = control === target ? 0 : -1;
  target.focus();
}
