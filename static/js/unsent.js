/**
 * Nobody loses what they typed by leaving the page: while a form holds something that was not sent, the
 * browser asks first. Loaded by requests.js with the first thing typed, and on a page whose form was refused.
 */
import { FIELDS, isChanged } from "./kept.js";

const FORM = "main form[method=post]";
// What a form says that came back with what is wrong in it.
const REFUSED = "[aria-invalid=true]";

// Forms that are on their way, or whose own link led away from them.
const done = new WeakSet();

document.addEventListener("submit", ({ target }) => done.add(target));
document.addEventListener("click", ({ target }) => done.add(target.closest(`${FORM} a[href]`)?.closest("form") ?? {}));
document.addEventListener("input", ({ target }) => done.delete(target.form), { capture: true });
for (const kind of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(kind, ({ detail }) => done.delete(detail.elt.closest("form")));
}
window.addEventListener("beforeunload", (event) => {
  // What a session that ended leaves behind is given back after signing in.
  if (!sessionStorage.getItem("kept") && [...document.querySelectorAll(FORM)].some(holdsText)) event.preventDefault();
});

function holdsText(form) {
  if (done.has(form)) return false;
  return form.querySelector(REFUSED) !== null || [...form.querySelectorAll(FIELDS)].some(isChanged);
}
