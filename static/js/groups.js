/**
 * Folds the rows under a heading of a list, and unfolds them. What is folded stays so while the list
 * is filtered and sorted, and until the tab is closed. Without it all rows are shown.
 */
let isListening = false;

export function init(root) {
  prepareAll(root);
  if (isListening) return;
  isListening = true;
  // Before the focus is given back to what looks like the control that had it.
  document.addEventListener("htmx:afterSwap", () => prepareAll(document));
}

function prepareAll(root) {
  for (const heading of root.querySelectorAll("[data-group] > th")) prepare(heading);
}

function prepare(heading) {
  if (heading.querySelector("button")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "folds";
  button.append(...heading.childNodes);
  heading.append(button);
  const name = `${location.pathname} ${button.textContent.trim()}`;
  button.addEventListener("click", () => {
    const isOpen = button.getAttribute("aria-expanded") !== "true";
    remember(name, isOpen);
    show(button, isOpen);
  });
  show(button, !folded().includes(name));
}

function show(button, isOpen) {
  button.setAttribute("aria-expanded", String(isOpen));
  const rows = [...button.closest("tbody").rows];
  for (const row of rows.slice(1)) row.hidden = !isOpen;
}

function folded() {
  return JSON.parse(sessionStorage.getItem("folded") ?? "[]");
}

function remember(name, isOpen) {
  const others = folded().filter((other) => other !== name);
  sessionStorage.setItem("folded", JSON.stringify(isOpen ? others : [...others, name]));
}
