/** Pictures of the files in a list, on request: small ones in the rows, a large one of the one looked at. */
import { text } from "./text.js";

const KEPT = "previews";
const TRIES_MS = [2000, 5000];

let isListening = false;

export function init(root) {
  listen();
  if (root.matches?.("#picker-folder, tbody") || root.querySelector?.("#picker-folder")) show();
}

function listen() {
  if (isListening) return;
  isListening = true;
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-previews]")) return;
    localStorage.setItem(KEPT, event.target.checked ? "on" : "");
    show();
  });
  document.addEventListener("click", (event) => {
    const thumb = event.target.closest?.(".thumb");
    if (thumb) look(thumb.closest("tr"));
  });
  document.addEventListener("keydown", (event) => {
    const row = event.key === "ArrowRight" ? event.target.closest?.("[data-view] [data-rows] tr") : null;
    if (row?.querySelector("[data-id]")) look(row);
  });
}

function show() {
  const isOn = localStorage.getItem(KEPT) === "on";
  for (const toggle of document.querySelectorAll("[data-previews]")) {
    toggle.checked = isOn;
    toggle.closest("label").hidden = !document.querySelector("[data-rows] [data-id]");
  }
  for (const icon of document.querySelectorAll("[data-view] [data-rows] [data-id] ~ .ext")) {
    if (isOn && icon.nextElementSibling.className !== "thumb") icon.after(thumbOf(icon));
    if (!isOn && icon.nextElementSibling.className === "thumb") icon.nextElementSibling.remove();
    icon.hidden = isOn;
  }
}

function thumbOf(icon) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "thumb";
  button.tabIndex = -1;
  button.setAttribute("aria-label", text("look", { name: nameIn(icon.closest("tr")) }));
  const image = new Image();
  image.alt = "";
  image.loading = "lazy";
  load(image, address(icon.closest("tr"), "thumbnail"), () => {
    button.remove();
    icon.hidden = false;
  });
  button.append(image);
  return button;
}

/** What Box is still drawing is asked for again a little later, twice. */
function load(image, from, giveUp) {
  let tries = 0;
  image.addEventListener("error", () => {
    if (tries === TRIES_MS.length) giveUp();
    else setTimeout(() => image.isConnected && (image.src = `${from}?t=${tries}`), TRIES_MS[tries++]);
  });
  image.src = from;
}

function look(row) {
  const sheet = document.getElementById("picker-look");
  const [image, said] = [new Image(), sheet.querySelector("p")];
  sheet.querySelector("h3").textContent = nameIn(row);
  said.textContent = text("drawing");
  image.alt = "";
  image.addEventListener("load", () => said.replaceChildren());
  sheet.querySelector("img").replaceWith(image);
  load(image, address(row, "picture"), () => (said.textContent = text("no-preview")));
  sheet.showPopover();
}

function address(row, what) {
  const list = row.closest("[data-rows]").getAttribute("action").replace(/choose$/, "");
  return `${list}files/${row.querySelector("[data-id]").dataset.id}/${what}`;
}

function nameIn(row) {
  return row.querySelector("b").textContent;
}
