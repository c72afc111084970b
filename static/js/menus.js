/** Closes an open menu of the bar when one clicks elsewhere or presses Escape. */
let isListening = false;

export function init() {
  if (isListening) return;
  isListening = true;
  document.addEventListener("click", (event) => close((menu) => !menu.contains(event.target)));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close(() => true);
  });
}

function close(which) {
  for (const menu of document.querySelectorAll(".bar details[open], .path details[open]")) {
    if (!which(menu)) continue;
    const hadFocus = menu.contains(document.activeElement);
    menu.removeAttribute("open");
    if (hadFocus) menu.querySelector("summary").focus();
  }
}
