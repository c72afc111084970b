/**
 * The picker's list: ticks go to the tray on the server, and the keyboard moves through the rows.
 * The tray's rows on the server are the truth; this only reports clicks and mirrors the answer.
 */
import { focusOn, isFocused, whenGone } from "./focus.js";
import { text } from "./text.js";

const ROW = "tbody tr:not(.load)";
const FILE = "[data-id][name=choice]";
const BOXES = "[data-rows] :is([name=choice], [name=folder])";
const MORE = "tbody.load a[hx-trigger]";
const PREVIEWS = "previews";
// As many pages of rows as a list keeps; longer ones let those go that are far away.
const PAGES_KEPT = 10;
const TYPES = "input:not([type=checkbox]), select, textarea";

let isListening = false;

export function init(root) {
  listen();
  for (const tray of within(root, "#picker-tray")) {
    mirror(tray);
    stopInTray(tray);
  }
  for (const rows of new Set([...within(root, "[data-rows]"), root.closest?.("[data-rows]")])) {
    if (rows) refresh(rows);
  }
  for (const panel of within(root, "#picker-panel")) arrive(panel);
  for (const folder of within(root, "#picker-folder")) enter(folder);
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
    if (event.target.matches(BOXES)) {
      send(event.target.form, [event.target], event.target.checked);
    } else if (event.target.matches("[data-rows] select[data-version]")) {
      const box = pin(event.target);
      if (box.checked) send(box.form, [box], true);
    } else if (event.target.matches("[data-all]")) {
      chooseAll(event.target);
    } else if (event.target.matches("[data-previews]")) {
      localStorage.setItem(PREVIEWS, event.target.checked ? "on" : "");
      pictures().then(({ show }) => show(event.target.checked));
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.matches?.("[data-rows] input[name=choice]")) rangeClick(event.target.form, event);
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    const rows = event.target.closest?.("[data-rows]");
    if (rows) key(rows, event);
    const tray = event.target.closest?.("#picker-tray ul");
    if (tray) step(removes(tray), event);
    if (event.target.matches(TYPES)) return;
    if (event.key === "/") startSearch(event);
    if (event.key === "?") document.getElementById("picker-keys")?.togglePopover();
  });
  document.addEventListener("focusin", (event) => {
    const rows = event.target.closest?.("[data-rows]");
    if (rows) stopAt(rows, event.target);
    const tray = event.target.closest?.("#picker-tray ul");
    if (tray) stopInTray(tray);
  });
  document.addEventListener("submit", holdBack, { capture: true });
  document.addEventListener("htmx:beforeSwap", (event) => followRows(event.detail.target));
  whenGone("picker-folder", startOf);
  whenGone("picker-tray", nextInTray);
}

/** Marks the tab of the source whose side is shown, and takes the focus there if nobody has moved it. */
function arrive(panel) {
  for (const tab of document.querySelectorAll(".sources .tab")) {
    if (tab.dataset.source === panel.dataset.source) tab.setAttribute("aria-current", "true");
    else tab.removeAttribute("aria-current");
  }
  const first = panel.querySelector("[data-rows]") && stops(panel.querySelector("[data-rows]"))[0];
  const isUntouched = document.activeElement?.matches("dialog [data-closes-dialog]");
  if (first && (isUntouched || !isFocused()) && panel.closest("dialog")) first.focus();
}

/** Marks the view that is shown, and what was searched for, unless somebody is typing the next search. */
function enter(folder) {
  for (const way of document.querySelectorAll(".views a")) {
    if (way.dataset.view === folder.dataset.view) way.setAttribute("aria-current", "true");
    else way.removeAttribute("aria-current");
  }
  const field = document.getElementById("picker-q");
  if (field && field !== document.activeElement) field.value = folder.dataset.query ?? "";
}

function startSearch(event) {
  const field = event.target.closest("[data-picker]")?.querySelector("#picker-q");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
}

function chooseAll(all) {
  const rows = all.closest(".folder").querySelector("[data-rows]");
  const changed = boxes(rows).filter((box) => box.checked !== all.checked);
  for (const box of changed) box.checked = all.checked;
  if (changed.length) send(rows, changed, all.checked);
}

function boxes(rows) {
  return [...rows.querySelectorAll("input[name=choice]")];
}

/** A row stands for the version its list shows. Returns the row's box. */
function pin(list) {
  const box = list.closest("tr").querySelector("input[name=choice]");
  box.value = list.value;
  return box;
}

/** Tells the server about ticks; one after the other, so that the last click wins. */
let queue = Promise.resolve();
let waiting = 0;
let isAttaching = false;

function send(rows, changed, isChosen) {
  mark(changed);
  const values = { in: rows.elements.in?.value ?? "" };
  const { name } = changed[0];
  values[isChosen ? name : name === "folder" ? "close" : "remove"] = changed.map((box) => box.value);
  const tell = () =>
    htmx.ajax("POST", rows.action, {
      source: "#picker-tray",
      target: "#picker-tray",
      swap: "outerHTML",
      values,
    });
  waiting += 1;
  // A request that breaks is told by requests.js; here it must not stop the ones behind it.
  queue = queue.then(tell).catch(() => undefined).then(settle);
}

/** After the last answer ticks and tray agree again, and an Attach that was held back goes on. */
function settle() {
  waiting -= 1;
  const tray = document.getElementById("picker-tray");
  if (waiting || !tray) return;
  const isComplete = mirror(tray);
  const attach = isAttaching && isComplete;
  isAttaching = false;
  if (attach) tray.querySelector("form.end").requestSubmit();
}

/** Attach pressed while a tick is still on its way waits for it, or that file would stay behind. */
function holdBack(event) {
  if (!waiting || !event.target.matches("#picker-tray form.end")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  isAttaching = true;
}

function mark(changed) {
  for (const box of changed) box.closest("tr").classList.toggle("on", box.checked);
}

/** The server's tray is what counts: ticks that it does not hold are taken back. True if none was. */
function mirror(tray) {
  if (waiting) return true;
  const held = new Set(tray.querySelector("[data-ids]").dataset.ids.split(" "));
  const ticks = [...document.querySelectorAll(BOXES)];
  const shown = ticks.filter((box) => box.name === "choice");
  const wrong = ticks.filter((box) => box.checked !== held.has(box.dataset.id));
  for (const box of wrong) box.checked = !box.checked;
  mark(wrong);
  for (const all of document.querySelectorAll("[data-all]")) {
    const count = shown.filter((box) => box.checked).length;
    all.checked = shown.length > 0 && count === shown.length;
    all.indeterminate = count > 0 && count < shown.length;
  }
  return wrong.length === 0;
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

/** One tab stop for the list: arrows, Home, End and letters move, Enter opens, "/" searches. */
function refresh(rows) {
  for (const list of rows.querySelectorAll("select[data-version]")) pin(list);
  if (rows.querySelectorAll("tbody[data-at]").length > PAGES_KEPT) {
    import("./window.js").then(({ letGo }) => letGo(rows, PAGES_KEPT));
  }
  // A folder's row is one stop: its name, from which Space ticks its box.
  for (const box of rows.querySelectorAll("[name=folder]")) box.tabIndex = -1;
  const controls = stops(rows);
  const isCurrent = (control) => control.tabIndex === 0 && "stop" in control.dataset;
  const current =
    controls.find((control) => control === document.activeElement) ?? controls.find(isCurrent) ?? controls[0];
  for (const control of controls) control.dataset.stop = "";
  // Reached by the arrows: with a Tab stop it would bring rows, and those the focus, again and again.
  for (const more of rows.querySelectorAll(MORE)) more.tabIndex = controls.length ? -1 : 0;
  stopAt(rows, current);
  const folder = rows.closest(".folder");
  const count = folder.querySelector("[data-count]");
  const shown = rows.querySelectorAll(ROW).length + restOf(rows);
  if (count && rows.dataset.shown && Number(rows.dataset.shown) !== shown) {
    const hasMore = rows.querySelector("tbody.load:not([data-rest])") !== null;
    count.textContent = text(hasMore ? "showing-more" : "showing-all", { num: shown });
  }
  rows.dataset.shown = shown;
  const all = folder.querySelector("[data-all-label]");
  if (all) all.hidden = boxes(rows).length === 0;
  const toggle = folder.querySelector("[data-previews]");
  if (toggle) {
    toggle.closest("label").hidden = !rows.querySelector(FILE);
    toggle.checked = localStorage.getItem(PREVIEWS) === "on";
    if (toggle.checked) pictures().then(({ show }) => show(true));
  }
  const tray = document.getElementById("picker-tray");
  if (tray) mirror(tray);
}

/** Most people do without pictures: their module comes with the first one. */
function pictures() {
  return import("./previews.js");
}

/** How many rows were let go. */
function restOf(rows) {
  return [...rows.querySelectorAll("tbody[data-rest]")].reduce((sum, rest) => sum + Number(rest.dataset.rest), 0);
}

function stops(rows) {
  return [...rows.querySelectorAll(`${ROW} a, ${ROW} input[name=choice]`)];
}

function stopAt(rows, current) {
  const controls = stops(rows);
  if (!controls.includes(current)) return;
  for (const control of controls) control.tabIndex = control === current ? 0 : -1;
}

/** One tab stop for the tray as well, or it would take a key for each file to get past it. */
function stopInTray(tray) {
  const controls = removes(tray);
  const current = controls.find((control) => control === document.activeElement) ?? controls[0];
  for (const control of controls) control.tabIndex = control === current ? 0 : -1;
}

function removes(tray) {
  return [...tray.querySelectorAll("li button")];
}

/** Arrows, Home and End go from one control to another. Returns the one that was gone to. */
function step(controls, event) {
  const index = controls.indexOf(document.activeElement);
  const target = {
    ArrowDown: controls[index + 1],
    ArrowUp: controls[index - 1],
    Home: controls[0],
    End: controls.at(-1),
  }[event.key];
  if (target) event.preventDefault();
  target?.focus();
  return target;
}

function key(rows, event) {
  const controls = stops(rows);
  const index = controls.indexOf(document.activeElement);
  const more = [...rows.querySelectorAll("tbody.load:last-child a")];
  if (index < 0 && !more.includes(document.activeElement)) return;
  const target = step(event.key === "End" ? controls : [...controls, ...more], event);
  if (target) {
    if (event.shiftKey && target.name === "choice" && !target.checked) target.click();
  } else if (event.key === " " && !isTyping() && document.activeElement.matches("a")) {
    event.preventDefault();
    document.activeElement.closest("tr").querySelector("[name=folder]")?.click();
  } else if (event.key === "Enter" && document.activeElement.name === "choice") {
    event.preventDefault();
    document.activeElement.click();
  } else if (event.key === "ArrowRight") {
    const row = document.activeElement.closest("tr");
    if (rows.closest("[data-view]") && row.querySelector(FILE)) pictures().then(({ look }) => look(row));
  } else if (event.key === "Backspace") {
    const up = rows.closest(".folder").querySelector(".path .up a");
    if (up) {
      event.preventDefault();
      up.click();
    }
  } else if (event.key.length === 1 && !"/?".includes(event.key) && (event.key !== " " || isTyping())) {
    event.preventDefault();
    startsWith(controls, index, event.key.toLowerCase());
  }
}

/** Letters typed in a row lead to the next row whose name begins so; a pause begins anew. */
const PAUSE_MS = 700;
let typed = "";
let typedAt = -PAUSE_MS;

function isTyping() {
  return performance.now() - typedAt < PAUSE_MS;
}

function startsWith(controls, index, letter) {
  typed = isTyping() ? typed + letter : letter;
  typedAt = performance.now();
  const from = typed.length > 1 ? index : index + 1;
  const round = [...controls.slice(from), ...controls.slice(0, from)];
  const isHit = (control) =>
    (control.closest("label")?.querySelector("b") ?? control).textContent.toLowerCase().startsWith(typed);
  round.find(isHit)?.focus();
}

/** In another folder: the folder one has come up from, or the first row. */
function startOf(folder, memo) {
  const left = memo.part.querySelector(".path ol [aria-current]")?.textContent;
  const rows = folder.querySelector("[data-rows]");
  const controls = rows ? stops(rows) : [];
  const from = controls.find((control) => control.matches("a") && control.textContent === left);
  return from ?? controls[0] ?? folder.querySelector("a[href]:not(.up *), .say a, .say button");
}

/** In the tray: the file that took the removed one's place, then the heading when none is left. */
function nextInTray(tray, memo) {
  const left = removes(tray);
  const index = removes(memo.part).findIndex((button) => memo.looks[0].includes(button.getAttribute("aria-label")));
  return left[Math.min(Math.max(index, 0), left.length - 1)] ?? tray.querySelector("#picker-tray-title");
}

/** "Show more" makes place for the rows it brings: the first of them takes the focus. */
function followRows(target) {
  if (!target.matches?.("tbody.load") || !target.contains(document.activeElement)) return;
  const rows = target.closest("[data-rows]");
  const before = stops(rows).length;
  document.addEventListener(
    "htmx:afterSwap",
    () => focusOn(stops(rows)[before] ?? rows.querySelector("tbody.load:last-child a") ?? rows),
    { once: true },
  );
}
