/** What takes long or goes wrong between this page and the server shows where one is looking. */
import { text } from "./text.js";

const SIGN_AFTER_MS = 250;
const PARTS = ["picker-panel", "picker-folder"];

let isListening = false;

export function init() {
  if (isListening) return;
  isListening = true;
  for (const kind of ["pointerdown", "pointerup", "pointercancel"]) {
    document.addEventListener(kind, () => press(kind === "pointerdown"), { capture: true });
  }
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isByItself(event.detail)) return postpone(event);
    forget();
    showBusy(event.detail);
  });
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.status === 401) signIn(event);
    else said?.remove();
  });
  document.addEventListener("htmx:beforeSwap", (event) => intoDialog(event.detail));
  document.addEventListener("visibilitychange", goOn);
  for (const kind of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(kind, () => say(text("no-answer")));
  }
  if (sessionStorage.getItem("kept")) import("./kept.js").then(({ giveBack }) => giveBack());
  if (document.body.dataset.person) guard();
}

/** From the first thing typed on, leaving the page asks; on a page whose form was refused, at once. */
function guard() {
  const load = () => import("./unsent.js");
  if (document.querySelector("main [aria-invalid=true]")) load();
  else document.addEventListener("input", load, { capture: true, once: true });
}

/**
 * Nobody is signed in any more. Loads this page again as a page: the server asks who one is and then
 * leads back to it. What one is writing stays for as long as one asks for nothing oneself, and is there
 * again afterwards.
 */
async function signIn(event) {
  event.preventDefault();
  if (isByItself(event.detail) && isWriting()) return;
  (await import("./kept.js")).keep(event.detail);
  window.location.replace(window.location.pathname + window.location.search);
}

function isWriting() {
  return [...document.querySelectorAll("main :is(input, textarea)")].some(
    (field) => field.type !== "hidden" && field.value !== field.defaultValue,
  );
}

/** True for a part that fetches itself: because time has passed, or because it has just come. */
function isByItself({ elt, target, requestConfig }) {
  const isDue = elt === target || elt.getAttribute("hx-trigger")?.includes("every ");
  return isDue && requestConfig.verb === "get";
}

/**
 * What fetches itself does so only while somebody can see it, and at once when they look again. While a
 * button is held down it waits as well: what is replaced between press and release is never clicked.
 */
const postponed = new Set();
let isPressing = false;

function press(isDown) {
  isPressing = isDown;
  goOn();
}

function postpone(event) {
  if (!document.hidden && !isPressing) return;
  event.preventDefault();
  postponed.add(event.detail.elt);
}

function goOn() {
  if (document.hidden || isPressing) return;
  for (const part of postponed) {
    if (part.isConnected) htmx.ajax("GET", part.getAttribute("hx-get"), { source: part });
  }
  postponed.clear();
}

/** Marks the picker as busy while one of its parts is fetched. */
const pending = new Set();

function showBusy({ target, xhr }) {
  if (!PARTS.includes(target.id)) return;
  // Rows that are still coming belong to what is being left.
  for (const link of document.querySelectorAll("#picker-folder .load a")) htmx.trigger(link, "htmx:abort");
  const picker = target.closest("[data-picker]");
  pending.add(xhr);
  document.getElementById("picker-panel")?.setAttribute("aria-busy", "true");
  const timer = setTimeout(() => addSign(picker), SIGN_AFTER_MS);
  xhr.addEventListener("loadend", () => {
    clearTimeout(timer);
    pending.delete(xhr);
    if (pending.size) return;
    document.getElementById("picker-panel")?.removeAttribute("aria-busy");
    for (const sign of picker.querySelectorAll(":scope > progress")) sign.remove();
  });
}

function addSign(picker) {
  if (!pending.size || picker.querySelector(":scope > progress")) return;
  const sign = document.createElement("progress");
  sign.setAttribute("aria-label", text("opening"));
  picker.append(sign);
}

/** An open dialog hides the page's own place for problems, so it has one itself. */
function intoDialog(detail) {
  const place = placeInDialog();
  if (detail.target.id !== "errors-problem" || !place) return;
  detail.target = place;
  detail.swapOverride = "innerHTML";
  detail.selectOverride = "#errors-problem > *";
}

function placeInDialog() {
  return document.querySelector("dialog[open] > [data-problem]");
}

let said = null;

function say(sentence) {
  said = document.createElement("p");
  said.className = "note late";
  said.textContent = sentence;
  (placeInDialog() ?? document.getElementById("errors-problem"))?.replaceChildren(said);
}

/** With the next thing one does, what went wrong before is history. */
function forget() {
  for (const place of [placeInDialog(), document.getElementById("errors-problem")]) place?.replaceChildren();
}
