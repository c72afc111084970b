/** Shows the dialog that htmx has just delivered, and gives the focus back to what asked for it. */
let asked = null;
let isListening = false;

export function init(root) {
  listen();
  for (const dialog of found(root)) {
    const opener = asked;
    dialog.addEventListener("close", () => leave(dialog, opener), { once: true });
    dialog.addEventListener("click", (event) => {
      const closer = event.target.closest("[data-closes-dialog]");
      if (!closer) return;
      event.preventDefault();
      shut(dialog);
    });
    addPlaceForProblems(dialog);
    dialog.showModal();
  }
}

function found(root) {
  const selector = "dialog[data-dialog]:not([open])";
  const inside = [...root.querySelectorAll(selector)];
  return root.matches?.(selector) ? [root, ...inside] : inside;
}

/** There from the start, because assistive technology reads out only what changes. */
function addPlaceForProblems(dialog) {
  const place = document.createElement("div");
  place.dataset.problem = "";
  place.setAttribute("role", "alert");
  dialog.append(place);
}

/** Removes the dialog; its opener may have been redrawn meanwhile, then its successor is meant. */
function leave(dialog, opener) {
  dialog.remove();
  const again = opener?.isConnected ? opener : successor(opener);
  again?.focus();
}

function successor(opener) {
  const alike = (control) => control.textContent.trim() === opener?.textContent.trim();
  return [...document.querySelectorAll('main [hx-target="#dialog-host"]')].find(
    (control) => alike(control) && control.checkVisibility(),
  );
}

function listen() {
  if (isListening) return;
  isListening = true;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target?.id === "dialog-host") asked = event.detail.elt;
  });
  // The server says so when what the dialog was opened for is done.
  document.addEventListener("close-dialog", () => {
    for (const dialog of document.querySelectorAll("dialog[data-dialog][open]")) shut(dialog);
  });
}

/** As Escape does: whoever has something to do first may hold it back and closes it then. */
function shut(dialog) {
  if (dialog.dispatchEvent(new Event("cancel", { cancelable: true }))) dialog.close();
}
