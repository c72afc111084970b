/**
 * Back leads from folder to folder in the Attach File(s) dialog, and out of it to the page behind it; after
 * a reload the dialog is open again where it was. Every place in it has an entry of the browser's history.
 */
const DIALOG = "dialog[data-picker]";
const HOST = "dialog-host";
const PARTS = ["picker-panel", "picker-folder"];
// A browser that has lost an entry goes nowhere and says nothing.
const PATIENCE_MS = 500;

let isListening = false;
// While what one has gone back to is on its way: it has its entry already.
let isGoing = false;
// What the dialog shows.
let shown = null;

export function init() {
  if (isListening) return;
  isListening = true;
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    const { requestConfig, pathInfo, target } = detail;
    if (![HOST, ...PARTS].includes(target?.id)) return;
    const dialog = document.querySelector(DIALOG);
    if (dialog) enter(dialog, requestConfig.verb === "get" ? pathInfo.finalRequestPath : dialog.dataset.url);
  });
  for (const kind of ["cancel", "close"]) document.addEventListener(kind, leave, { capture: true });
  window.addEventListener("popstate", follow);
  if (place()) open(place());
}

/** Opens the dialog again where it was, on a page that has just been loaded. */
export function comeBack(left) {
  window.history.pushState({ place: { ...left, depth: 1 } }, "");
  return open(left);
}

function place() {
  return window.history.state?.place;
}

/** The dialog as it stands: where its parts come from, and which view of what it shows. */
function enter(dialog, at) {
  const [panel, folder] = PARTS.map((id) => document.getElementById(id)?.dataset ?? {});
  const key = [panel.source, folder.view, folder.folder].join();
  const was = place();
  // What did not open, is sorted anew or searched for with more letters takes the place of what was there.
  const isSame = isGoing || was?.key === key || (panel.source === "box" && was?.key.startsWith("box,,"));
  const next = { at, key, url: dialog.dataset.url, depth: (was?.depth ?? 0) + (was && isSame ? 0 : 1) };
  window.history[was && isSame ? "replaceState" : "pushState"]({ place: next }, "");
  shown = next;
}

/**
 * A dialog that is closed takes its entries along: Back then leads away from the page behind it. It closes
 * once they are gone, so that nothing that is clicked next meets the way back there.
 */
function leave(event) {
  const dialog = event.target;
  if (!dialog.matches?.(DIALOG) || !place()) return;
  event.preventDefault();
  window.history.go(-place().depth);
  setTimeout(() => {
    if (place() && dialog.isConnected) window.history.replaceState(null, "");
    dialog.close();
  }, PATIENCE_MS);
}

function follow() {
  const dialog = document.querySelector(DIALOG);
  if (!place() && dialog && window.location.hash.startsWith("#picker-")) {
    // On a phone the tray unfolds by a link within the page, and Back folds it again.
    shown = { ...shown, depth: shown.depth + 1 };
    return window.history.replaceState({ place: shown }, "");
  }
  if (!place()) return dialog?.close();
  if (!dialog || dialog.dataset.url !== place().url) return open(place());
  const isThere = place().at === shown?.at;
  shown = place();
  if (isThere) return;
  const [panel, folder] = PARTS.map((id) => document.getElementById(id));
  const id = PARTS[folder && place().key.startsWith(`${panel.dataset.source},`) ? 1 : 0];
  htmx.trigger(panel, "htmx:abort");
  return go(place().at, { source: panel, target: `#${id}`, select: `#${id}`, swap: "outerHTML" });
}

function open({ at, url }) {
  // It gets the focus back in the end, as if it had been pressed.
  const opener = [...document.querySelectorAll(`main [hx-get="${url}"]`)].find((it) => it.checkVisibility());
  return go(at, { source: opener ?? document.body, target: `#${HOST}`, swap: "innerHTML" });
}

async function go(at, how) {
  isGoing = true;
  await htmx.ajax("GET", at, how).catch(() => undefined);
  isGoing = false;
}
