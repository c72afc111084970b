/**
 * Pictures of the files in a list: small ones in the rows, a large one of the one that is looked at.
 * Loaded by picker.js when somebody asks for one.
 */
import { text } from "./text.js";

const TRIES_MS = [2000, 5000];

document.addEventListener("click", (event) => {
  const thumb = event.target.closest?.(".thumb");
  if (thumb) look(thumb.closest("tr"));
});

/** Shows a small picture in every row that has a file, or takes them away. */
export function show(isOn) {
  for (const icon of document.querySelectorAll("[data-view] [data-rows] [data-id] ~ .ext:not([data-bare])")) {
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
    icon.dataset.bare = "";
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

/** Shows the large picture of a row's file. */
export function look(row) {
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
