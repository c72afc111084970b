/** Closes an open menu of the bar or the path when one clicks elsewhere or presses Escape. */
let isListening = false;

export function init() {
  if (isListening) return;
  isListening = true;
  document.addEventListener("click", (event) => close((menu) => !menu.contains(event.target)));
  document.addEventListener("keydown", (event) => {
    // One press closes one thing: the menu first, and the dialog around it with the next.
    if (event.key === "Escape" && close(() => true)) event.preventDefault();
  });
}

/** Returns whether there was one to close. */
function close(which) {
  const open = [...document.querySelectorAll(".bar details[open], .path details[open]")].filter(which);
  for (const menu of open) {
    const hadFocus = menu.contains(document.activeElement);
    menu.removeAttribute("open");
    if (hadFocus) menu.querySelector("summary").focus();
  }
  return open.length > 0;
}
