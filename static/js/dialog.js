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
      dialog.close();
    });
    dialog.showModal();
  }
}

function found(root) {
  const selector = "dialog[data-dialog]:not([open])";
  const inside = [...root.querySelectorAll(selector)];
  return root.matches?.(selector) ? [root, ...inside] : inside;
}

/** Removes the dialog, and finds its opener again if the page has been redrawn meanwhile. */
function leave(dialog, opener) {
  dialog.remove();
  const again = opener?.isConnected ? opener : document.querySelector("[data-opens-dialog]");
  again?.focus();
}

function listen() {
  if (isListening) return;
  isListening = true;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target?.id === "dialog-host") asked = event.detail.elt;
  });
  // The server says so when what the dialog was opened for is done.
  document.addEventListener("close-dialog", () => {
    for (const dialog of document.querySelectorAll("dialog[data-dialog][open]")) dialog.close();
  });
}
