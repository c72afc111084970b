/**
 * Keeps what one was at when a part of the page is redrawn: the focus, and what one has unfolded.
 * A control is the same one after the redraw when it looks the same; otherwise the one in its place.
 */
const CONTROLS = "a[href], button, input, select, textarea, summary";

let isListening = false;
let kept = null;
const successors = new Map();

/** Lets a module say what takes the focus when the control that had it is gone from a part. */
export function whenGone(id, find) {
  successors.set(id, find);
}

export function init() {
  if (isListening) return;
  isListening = true;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.shouldSwap) kept = remember(event.detail.target);
  });
  document.addEventListener("htmx:afterSwap", () => {
    restore(kept);
    kept = null;
  });
}

/** Returns what to keep of a part that is about to be redrawn. */
export function remember(part) {
  if (!part.id) return null;
  const active = document.activeElement;
  const controls = usable(part);
  const index = controls.indexOf(active);
  return {
    part,
    id: part.id,
    index,
    looks: index < 0 ? [] : looks(active),
    unfolded: [...part.querySelectorAll("details[open]")].map(summary),
  };
}

/** Puts the focus back, if the redraw has taken it away, and unfolds what was unfolded. */
export function restore(memo) {
  const part = memo && document.getElementById(memo.id);
  if (!part) return;
  for (const details of part.querySelectorAll("details")) {
    if (memo.unfolded.includes(summary(details))) details.open = true;
  }
  if (memo.index < 0 || isFocused()) return;
  const find = successors.get(memo.id) ?? inItsPlace;
  focusOn(same(part, memo.looks) ?? find(part, memo) ?? part);
}

/** Puts the focus on anything, also on what takes none by itself. */
export function focusOn(element) {
  if (!element.matches(CONTROLS) && !element.hasAttribute("tabindex")) element.tabIndex = -1;
  element.focus();
}

export function isFocused() {
  const active = document.activeElement;
  return active !== null && active !== document.body && !active.matches("dialog");
}

/** The very same control, or one that differs only in where it leads, as a heading that sorts. */
function same(part, wanted) {
  const controls = usable(part);
  return [0, 1].map((n) => controls.find((control) => looks(control)[n] === wanted[n])).find(Boolean);
}

/** In a list of things that can be removed, the one that has moved up, or the last. */
function inItsPlace(part, memo) {
  const isInList = (control) => control.closest("li") !== null;
  const before = usable(memo.part).findIndex(isInList);
  const list = usable(part).filter(isInList);
  return before < 0 ? undefined : list[Math.min(Math.max(memo.index - before, 0), list.length - 1)];
}

function usable(part) {
  return [...part.querySelectorAll(CONTROLS)].filter(
    (control) => !control.disabled && control.type !== "hidden" && control.checkVisibility(),
  );
}

function looks(control) {
  const words = control.getAttribute("aria-label") ?? control.textContent.trim();
  const plain = [control.tagName, control.name ?? "", words].join("|");
  return [`${plain}|${control.getAttribute("href") ?? ""}`, plain];
}

function summary(details) {
  if (details.dataset.fold) return details.dataset.fold;
  const item = details.closest("li, section");
  return `${item?.querySelector(".name, h2")?.textContent.trim()}|${details.querySelector("summary").textContent}`;
}
