/**
 * Ways for files to get here besides a list of files: dropped on the dialog or on the page of what they
 * are for, pasted, or photographed. Nothing is attached by it: they go to the tray, and the dialog opens.
 */
import { text } from "./text.js";

const OPENERS = '[hx-target="#dialog-host"]:is([href$="/attach/"], [name=attach], [formaction$="/keep"])';
const FIELDS = "input:not([type=checkbox], [type=radio], [type=file]), select, textarea";
// What browsers call a picture that has no name: a screenshot, or a photo just taken.
const NAMELESS = /^image\.\w+$/;

let isListening = false;
/** Something of this very page is being dragged: a link, a picture. */
let isOurs = false;
let marked = null;
/** What waits for the dialog that has been asked for. */
let held = [];
/** The module that sends, once there was something to send. */
let sending = null;

export function init(root) {
  listen();
  for (const field of root.querySelectorAll("[data-picker] [type=file]")) {
    // On the field itself: the panel around it may be redrawn while somebody looks through their files.
    field.addEventListener("change", () => chosen(field));
  }
  const picker = root.matches?.("[data-picker]") ? root : root.querySelector("[data-picker]");
  if (!picker) return;
  sending?.then(({ showLines }) => showLines(picker));
  if (held.length) send(picker, held.splice(0));
}

async function send(picker, sources) {
  sending ??= import("./upload.js");
  (await sending).sendAll(picker, sources);
}

function chosen(field) {
  const picker = document.querySelector("[data-picker]");
  if (!picker) return;
  send(picker, [...field.files].map((file) => named(file, "photo")));
  field.value = "";
}

function listen() {
  if (isListening) return;
  isListening = true;
  document.addEventListener("paste", paste);
  document.addEventListener("dragstart", () => (isOurs = true));
  document.addEventListener("dragend", () => (isOurs = false));
  document.addEventListener("dragover", (event) => {
    if (!bringsFiles(event)) return;
    const place = placeOf(event.target);
    event.preventDefault();
    event.dataTransfer.dropEffect = place ? "copy" : "none";
    mark(place);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || mark(null));
  document.addEventListener("drop", (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    mark(null);
    // Read at once: after the event the list is empty. Entries are what folders come as.
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    take(placeOf(event.target), items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile()));
  });
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    // Who comes with files does not wait for Box.
    if (held.length && detail.target.id === "dialog-host" && detail.verb === "get") detail.parameters.source = "computer";
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.target.id === "dialog-host" && !detail.successful) held = [];
  });
}

function bringsFiles(event) {
  return !isOurs && event.dataTransfer?.types.includes("Files") && !event.target.matches?.("[type=file]");
}

function paste(event) {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length || event.target.closest?.(FIELDS)) return;
  event.preventDefault();
  take(placeOf(event.target), files.map((file) => named(file, "pasted")));
}

/** Where files go that arrive here: the dialog, a row's own place, else what the page is about. */
function placeOf(target) {
  const shown = document.querySelector("dialog[open], [data-picker]");
  if (shown) return shown.matches("[data-picker]") ? shown : null;
  const place = target.closest?.("[data-drops]") ?? document.querySelector("main");
  return openerOf(place) ? place : null;
}

function openerOf(place) {
  const own = place.matches("[data-drops]") ? place : null;
  const openers = [...place.querySelectorAll(OPENERS)].filter((opener) => opener.closest("[data-drops]") === own);
  return openers.find((opener) => opener.checkVisibility()) ?? openers[0];
}

function take(place, sources) {
  const given = sources.filter(Boolean);
  if (!place || !given.length) return;
  if (place.matches("[data-picker]")) send(place, given);
  else {
    held = given;
    openerOf(place).click();
  }
}

function mark(place) {
  if (place === marked) return;
  marked?.removeAttribute("data-over");
  marked = place;
  if (place) place.dataset.over = text("drop");
}

/** A picture without a name of its own is called after the moment: "Pasted 2026-11-26 at 14.05.png". */
function named(file, how) {
  if (!NAMELESS.test(file.name)) return file;
  // Swedish writes both as one wants them in a name that sorts.
  const now = new Date();
  const [date, time] = [now.toLocaleDateString("sv"), now.toLocaleTimeString("sv", { timeStyle: "short" })];
  const name = text(how, { date, time: time.replace(":", ".") });
  return new File([file], name + file.name.slice(file.name.lastIndexOf(".")), { type: file.type });
}
