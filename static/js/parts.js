/** Sends a large file in parts that can be resumed, by tus 1.0; loaded when there is one to send. */
import { headers } from "./upload.js";
import { text } from "./text.js";

// What is lost at most when a line breaks and nobody noticed; more for files of many parts.
const PART_BYTES = 4 << 20;
const HUGE_BYTES = 1e9;
const WAITS_MS = [500, 2000, 5000, 10_000, 20_000];
/** Answers after which another try may go better; 460 says that a part arrived damaged. */
const PASSING = [409, 423, 429, 460];

/** The uploads of which this page shows a line: the list of unfinished ones leaves them out. */
const going = new Set();

document.addEventListener("htmx:load", leaveOut);

function leaveOut() {
  for (const line of document.querySelectorAll("[data-part]")) {
    if (going.has(line.dataset.part)) line.remove();
  }
}

export function sendParts({ url, token, file, name }, tell) {
  // Where this file goes on, also when it is chosen again after a reload or in another tab.
  const key = ["upload", document.body.dataset.person, url, name, file.size, file.lastModified].join("|");
  let request = null;
  let isStopped = false;

  /** Resolves with the request when it was answered well; after a stop never. */
  function ask(method, address, more = {}, body = null, offset = 0) {
    return new Promise((done, refuse) => {
      if (isStopped) return;
      const sent = new XMLHttpRequest();
      request = sent;
      sent.upload.addEventListener("progress", (event) => show(offset + event.loaded));
      sent.addEventListener("load", () => (sent.status < 300 ? done(sent) : refuse(sent)));
      sent.addEventListener("error", () => refuse(null));
      sent.open(method, address);
      const all = { ...headers(token), "Tus-Resumable": "1.0.0", ...more };
      for (const [header, value] of Object.entries(all)) sent.setRequestHeader(header, value);
      sent.send(body);
    });
  }

  function show(sent) {
    const [done, size] = [sent, file.size].map(megabytes);
    tell.progress(sent / file.size, text("of", { done, size }));
  }

  /** How far the file has come; begins when nobody knows of it. */
  async function find() {
    const address = localStorage.getItem(key);
    try {
      if (address) {
        const known = await ask("HEAD", address);
        goesOn(address);
        return offsetIn(known);
      }
    } catch (refused) {
      if (refused?.status !== 404) throw refused;
    }
    const more = { "Upload-Length": file.size, "Upload-Metadata": `filename ${inBase64(name)}` };
    const begun = await ask("POST", `${url}computer/parts`, more);
    localStorage.setItem(key, begun.getResponseHeader("Location"));
    goesOn(begun.getResponseHeader("Location"));
    return offsetIn(begun);
  }

  function goesOn(address) {
    going.add(address);
    leaveOut();
  }

  async function add(offset) {
    const more = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": offset };
    const size = file.size < HUGE_BYTES ? PART_BYTES : 4 * PART_BYTES;
    const part = file.slice(offset, offset + size);
    return offsetIn(await ask("PATCH", localStorage.getItem(key), more, part, offset));
  }

  async function sendWhole() {
    let failures = 0;
    let offset = null;
    let most = -1;
    while (offset !== file.size) {
      try {
        offset = offset === null ? await find() : await add(offset);
        show(offset);
        // That it answers is no progress: one that takes nothing is not asked for ever.
        if (offset > most) failures = 0;
        most = Math.max(most, offset);
      } catch (refused) {
        const isPassing = refused === null || refused.status >= 500 || PASSING.includes(refused.status);
        if (!isPassing || !navigator.onLine || failures === WAITS_MS.length) throw refused;
        // Only the server knows what has come of a part that went wrong.
        offset = null;
        await new Promise((go) => setTimeout(go, WAITS_MS[failures]));
        failures += 1;
      }
    }
  }

  function stop() {
    isStopped = true;
    request?.abort();
  }

  /** Nothing of a file that is given up stays on the server. */
  function giveUp() {
    const address = localStorage.getItem(key);
    stop();
    localStorage.removeItem(key);
    if (address) fetch(address, { method: "DELETE", headers: { ...headers(token), "Tus-Resumable": "1.0.0" } });
  }

  sendWhole().then(
    () => {
      localStorage.removeItem(key);
      tell.done();
    },
    (refused) => tell.fail(refused && refused.responseText, refused?.status),
  );
  return { pause: stop, stop: giveUp };
}

function offsetIn(answer) {
  return Number(answer.getResponseHeader("Upload-Offset"));
}

function inBase64(name) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(name)));
}

function megabytes(bytes) {
  const style = { style: "unit", unit: "megabyte", maximumFractionDigits: 1 };
  return new Intl.NumberFormat(document.documentElement.lang, style).format(bytes / 1e6);
}
