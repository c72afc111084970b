/** Sends files from the computer into the tray, each with its own progress; drop or choose. */
import { remember, restore } from "./focus.js";
import { text } from "./text.js";

let isListening = false;

/** Listens on the document, so that a panel works from the moment it is there. */
export function init() {
  if (isListening) return;
  isListening = true;
  document.addEventListener("change", (event) => {
    const panel = event.target.closest("[data-upload]");
    if (!panel || event.target.type !== "file") return;
    sendAll(panel, [...event.target.files]);
    event.target.value = "";
  });
  document.addEventListener("dragover", (event) => over(event, true));
  document.addEventListener("dragleave", (event) => over(event, false));
  document.addEventListener("drop", (event) => {
    const panel = over(event, false);
    if (panel) sendAll(panel, [...event.dataTransfer.files]);
  });
}

function over(event, isOver) {
  const panel = event.target.closest?.("[data-upload]");
  if (panel) {
    event.preventDefault();
    panel.classList.toggle("over", isOver);
  }
  return panel;
}

async function sendAll(panel, files) {
  for (const file of files) await send(panel, file);
}

/** One file; resolves whatever happens, because the others go on. */
function send(panel, file) {
  const line = panel.querySelector("[data-uploads]").appendChild(document.createElement("li"));
  const name = line.appendChild(document.createElement("b"));
  name.textContent = file.name;
  const bar = line.appendChild(document.createElement("progress"));
  bar.max = file.size || 1;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  const say = line.appendChild(document.createElement("span"));
  say.className = "meta";
  const request = new XMLHttpRequest();
  const cancel = line.appendChild(document.createElement("button"));
  cancel.type = "button";
  cancel.className = "btn quiet";
  cancel.textContent = text("cancel");
  cancel.addEventListener("click", () => request.abort());
  return new Promise((done) => {
    request.upload.addEventListener("progress", (event) => {
      bar.value = event.loaded;
    });
    request.addEventListener("load", () => {
      if (request.status === 200) {
        const memo = remember(document.getElementById("picker-tray"));
        htmx.swap("#picker-tray", request.responseText, { swapStyle: "outerHTML" });
        restore(memo);
        line.remove();
      } else {
        fail(line, say, cancel, () => send(panel, file), sentence(request));
      }
      done();
    });
    request.addEventListener("error", () => {
      fail(line, say, cancel, () => send(panel, file), text("upload-broke"));
      done();
    });
    request.addEventListener("abort", () => {
      line.remove();
      done();
    });
    request.open("POST", panel.dataset.url);
    request.setRequestHeader("HX-Request", "true");
    request.setRequestHeader("X-CSRFToken", panel.querySelector("[name=csrf_token]").value);
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}

/** The sentence of an error partial, or one of our own when there is none. */
function sentence(request) {
  const page = new DOMParser().parseFromString(request.responseText, "text/html");
  return page.querySelector("[role=alert]")?.textContent.trim() || text("upload-refused");
}

function fail(line, say, cancel, again, why) {
  line.querySelector("progress").remove();
  say.textContent = why;
  line.classList.add("failed");
  cancel.textContent = text("try-again");
  cancel.replaceWith(cancel.cloneNode(true));
  line.querySelector("button").addEventListener("click", () => {
    line.remove();
    again();
  });
}
