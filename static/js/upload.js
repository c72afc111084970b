/**
 * Sends files from the computer into the tray, one after the other, each with its own progress.
 * Loaded by drop.js when there are some.
 */
import { focusOn, remember, restore } from "./focus.js";
import { text } from "./text.js";

// From here on a file goes in parts that can be resumed, by a module that is loaded only then.
const LARGE_BYTES = 8e6;
// What systems leave in every folder, and nobody means to send.
const HIDDEN = /^(\.|thumbs\.db$|desktop\.ini$)/i;
const NAME_BYTES = 180;

let chain = Promise.resolve();
/** The dialogs in which Attach was pressed while files were on their way to them. */
const attaching = new Set();
let leftOut = "";
/** What has not come to rest: it waits for its turn, or it is on its way. */
const active = new Set();
/** Every line that is shown, so that a dialog that is opened again shows them again. */
const jobs = new Set();

document.addEventListener("submit", holdBack, { capture: true });
document.addEventListener("close", ({ target }) => tellOnPage(target.dataset.url), { capture: true });
window.addEventListener("beforeunload", (event) => active.size && event.preventDefault());

/** Shows in a dialog that has just been opened what is under way for it. */
export function showLines(picker) {
  const lines = [...jobs].filter((job) => job.url === picker.dataset.url).map((job) => job.line);
  picker.querySelector("[data-uploads]").append(...lines);
  note?.remove();
}

/** Sends files, or what was dropped; of folders the files in them, as many as may be attached. */
export async function sendAll(picker, sources) {
  const { url, max } = picker.dataset;
  const token = picker.querySelector("[name=csrf_token]").value;
  const most = Number(max);
  const found = [];
  for (const source of sources) await read(source, found, most);
  for (const { file, name } of found.slice(0, most)) start(makeJob({ url, token, file, name }));
  leftOut = found.length > most ? text("too-many", { num: most }) : "";
  say(url, active.size ? text("sending", { num: active.size }) : "");
}

/** Collects the files of an entry that was dropped; a file's path becomes part of its name. */
async function read(source, found, most) {
  const path = source.fullPath?.slice(1) ?? source.name;
  if (found.length > most || (path.includes("/") && HIDDEN.test(source.name))) return;
  if (source instanceof File) found.push({ file: source, name: path });
  else if (source.isFile) {
    const file = await new Promise((take) => source.file(take, () => take(null)));
    found.push({ file, name: shortened(path) });
  } else {
    const reader = source.createReader();
    const some = () => new Promise((take) => reader.readEntries(take, () => take([])));
    for (let entries = await some(); entries.length; entries = await some()) {
      for (const entry of entries) await read(entry, found, most);
    }
  }
}

/** Of a long path the end, so that the name of the file itself is not what is lost. */
function shortened(path) {
  const isLong = new TextEncoder().encode(path).length > NAME_BYTES && path.includes("/");
  return isLong ? shortened(path.slice(path.indexOf("/") + 1)) : path;
}

function makeJob(job) {
  job.line = document.createElement("li");
  const name = add(job, "b");
  name.textContent = job.name;
  job.bar = add(job, "progress");
  job.bar.value = 0;
  job.bar.setAttribute("aria-label", job.name);
  job.says = add(job, "span", "meta");
  job.acts = add(job, "span", "acts");
  jobs.add(job);
  region(job.url)?.querySelector("[data-uploads]").append(job.line);
  return job;
}

function add(job, kind, className = "") {
  const part = job.line.appendChild(document.createElement(kind));
  part.className = className;
  return part;
}

function start(job) {
  active.add(job);
  job.line.classList.remove("failed");
  job.says.removeAttribute("role");
  show(job, "", { cancel: remove });
  chain = chain.then(() => active.has(job) && run(job));
}

/** Resolves whatever happens, because the others go on. */
async function run(job) {
  if (!job.file) return fail(job, text("upload-refused"));
  const isLarge = job.file.size >= LARGE_BYTES;
  try {
    const send = isLarge ? (await import("./parts.js")).sendParts : post;
    if (!active.has(job)) return;
    await new Promise((rest) => {
      job.rest = rest;
      job.sender = send(job, {
        progress: (part, words = "") => {
          job.bar.value = part;
          job.says.textContent = words;
        },
        done: (page) => finish(job, page),
        fail: (page, status) => (status === 401 ? askWho(job) : fail(job, page === null ? text("upload-broke") : sentence(page))),
      });
      if (isLarge) show(job, "", { pause, cancel: remove });
    });
  } catch {
    fail(job, text("upload-broke"));
  }
}

/** The whole file in one form, as the page itself would send it. */
function post({ url, token, file, name }, tell) {
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", (event) => tell.progress(event.loaded / event.total));
  request.addEventListener("load", () => {
    if (request.status === 200) tell.done(request.responseText);
    else tell.fail(request.responseText, request.status);
  });
  request.addEventListener("error", () => tell.fail(null));
  request.open("POST", `${url}computer`);
  for (const [header, value] of Object.entries(headers(token))) request.setRequestHeader(header, value);
  const form = new FormData();
  form.append("file", file, name);
  request.send(form);
  return { stop: () => request.abort() };
}

export function headers(token) {
  return { "HX-Request": "true", "X-CSRFToken": token };
}

async function finish(job, page) {
  const tray = page ?? (await (await fetch(`${job.url}tray`, { headers: headers(job.token) })).text());
  if (region(job.url)) {
    const memo = remember(document.getElementById("picker-tray"));
    htmx.swap("#picker-tray", tray, { swapStyle: "outerHTML" });
    restore(memo);
  }
  remove(job);
}

function remove(job) {
  job.sender?.stop();
  const hadFocus = job.line.contains(document.activeElement);
  job.line.remove();
  jobs.delete(job);
  if (hadFocus) focusOn(document.getElementById("picker-title"));
  settle(job);
}

function pause(job) {
  job.sender.pause();
  show(job, text("paused"), { resume: start, cancel: remove });
  settle(job);
}

function fail(job, why) {
  job.line.classList.add("failed");
  job.says.setAttribute("role", "alert");
  const isAway = !navigator.onLine;
  show(job, isAway ? text("offline") : why, { "try-again": start, cancel: remove });
  if (isAway) window.addEventListener("online", () => jobs.has(job) && !active.has(job) && start(job), { once: true });
  settle(job);
}

/** The sentence of an error partial, or one of our own when there is none. */
function sentence(page) {
  const found = new DOMParser().parseFromString(page, "text/html").querySelector("[role=alert]");
  return found?.textContent.trim() || text("upload-refused");
}

/** What a line says and offers; the focus stays on the line when its buttons change. */
function show(job, says, actions) {
  job.says.textContent = says;
  const hadFocus = job.acts.contains(document.activeElement);
  const buttons = Object.entries(actions).map(([key, act]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn quiet";
    button.textContent = text(key);
    button.addEventListener("click", () => act(job));
    return button;
  });
  job.acts.replaceChildren(...buttons);
  if (hadFocus) buttons[0].focus();
}

/** A file has come to rest; after the last one for a dialog an Attach that was held back there goes on. */
function settle(job) {
  active.delete(job);
  job.rest?.();
  const left = [...jobs].filter((other) => other.url === job.url);
  if (left.some((other) => active.has(other))) return;
  const isWhole = !left.length;
  say(job.url, isWhole ? text("all-sent") : "");
  if (attaching.delete(job.url) && isWhole) attach(job);
  else if (!region(job.url)) tellOnPage(job.url);
}

/** Presses Attach: in the dialog, or for one that has been closed meanwhile. */
async function attach(job) {
  const form = region(job.url)?.querySelector("#picker-tray form.end");
  if (form) return form.requestSubmit();
  const tray = await (await fetch(`${job.url}tray`, { headers: headers(job.token) })).text();
  const found = new DOMParser().parseFromString(tray, "text/html").querySelector("form.end");
  const body = new URLSearchParams(new FormData(found));
  const answer = await fetch(`${job.url}send`, { method: "POST", headers: headers(job.token), body });
  const news = (answer.headers.get("HX-Trigger") ?? "").split(", ");
  for (const name of news) if (name && name !== "close-dialog") htmx.trigger(document.body, name);
  if (answer.ok) note?.remove();
  else showNote(text("not-attached"));
}

/** Attach pressed while files are on their way to this dialog waits for them, or they would stay behind. */
function holdBack(event) {
  if (!event.target.matches("#picker-tray form.end")) return;
  const { url } = event.target.closest("[data-picker]").dataset;
  if (![...active].some((job) => job.url === url)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  attaching.add(url);
  const [first] = active;
  const before = first.url === url ? "" : text("goes-first", { name: first.name });
  say(url, `${text("attach-waits")} ${before}`);
}

/** What the page says below a dialog that was closed while it was waiting for files. */
let note = null;

function tellOnPage(url) {
  const mine = [...jobs].filter((job) => job.url === url);
  const num = mine.filter((job) => active.has(job)).length;
  const next = text(attaching.has(url) ? "attach-waits" : "then-attach");
  if (num) showNote(`${text("sending", { num })}. ${next} ${text("stay")}`);
  else if (mine.length) showNote(text("not-attached"));
  else note?.remove();
}

function showNote(words) {
  note ??= document.createElement("p");
  note.className = "note";
  note.setAttribute("role", "status");
  note.textContent = words;
  document.getElementById("main").prepend(note);
}

/** Nobody is signed in any more: the file stays here, and goes on once somebody is. */
function askWho(job) {
  fail(job, text("signed-out"));
  show(job, text("signed-out"), {
    "sign-in": () => window.open("/sign-in", "_blank"),
    "try-again": renew,
    cancel: remove,
  });
}

/** Goes on with the token of the session there is now, if it is that of the same person. */
async function renew(job) {
  const page = await (await fetch(window.location.href)).text();
  const now = new DOMParser().parseFromString(page, "text/html");
  if (now.body.dataset.person !== document.body.dataset.person) return askWho(job);
  const token = now.querySelector("[name=csrf_token]").value;
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  for (const field of document.querySelectorAll("[name=csrf_token]")) field.value = token;
  for (const other of jobs) other.token = token;
  start(job);
}

function region(url) {
  return [...document.querySelectorAll("[data-picker]")].find((picker) => picker.dataset.url === url);
}

function say(url, words) {
  const place = region(url)?.querySelector("[data-says]");
  if (place) place.textContent = `${leftOut} ${words}`.trim();
}
