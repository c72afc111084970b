/**
 * What somebody was writing, and where their dialog was, when their session ended. It stays in this tab
 * until they are back on the same page, and is not for whoever signs in there instead.
 * Loaded by requests.js when a session ends, and on the page one comes back to.
 */
import { comeBack } from "./places.js";

const KEY = "kept";
const TICKS = "[data-rows] [data-id]";
// What a request says of the rows it names, and how their boxes stood when it was sent.
const ASKED = { choice: true, folder: true, remove: false, close: false };
export const FIELDS = "main :is(input:not([type=hidden], [type=file], [type=password]), textarea, select)[id]";

export function keep({ requestConfig }) {
  const fields = [...document.querySelectorAll(FIELDS)].filter(isChanged).map((field) => [field.id, read(field)]);
  const { place } = window.history.state ?? {};
  const ticks = Object.entries(ASKED).flatMap(([name, isTicked]) =>
    requestConfig.formData.getAll(name).map((value) => [idOf(value), isTicked]),
  );
  sessionStorage.setItem(KEY, JSON.stringify({ ...here(), fields, place, ticks }));
}

export async function giveBack() {
  const kept = JSON.parse(sessionStorage.getItem(KEY));
  sessionStorage.removeItem(KEY);
  if (kept.path !== here().path || kept.person !== here().person) return;
  for (const [id, value] of kept.fields) write(document.getElementById(id), value);
  if (!kept.place) return;
  await comeBack(kept.place);
  // What was ticked last had not reached the server.
  for (const [id, isTicked] of kept.ticks) {
    const box = [...document.querySelectorAll(TICKS)].find((it) => it.dataset.id === id);
    if (box && box.checked !== isTicked) box.click();
  }
}

function idOf(value) {
  return [...document.querySelectorAll(TICKS)].find((box) => box.value === value)?.dataset.id;
}

function here() {
  return { path: window.location.pathname + window.location.search, person: document.body.dataset.person };
}

export function isChanged(field) {
  if (field.options) return isChosenAnew(field);
  return isTick(field) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
}

function isChosenAnew({ options, multiple, selectedIndex }) {
  // A list in which nothing is marked begins with its first choice.
  if (!multiple && ![...options].some((option) => option.defaultSelected)) return selectedIndex > 0;
  return [...options].some((option) => option.selected !== option.defaultSelected);
}

function read(field) {
  if (field.options) return [...field.selectedOptions].map((option) => option.value);
  return isTick(field) ? field.checked : field.value;
}

function write(field, value) {
  if (!field) return;
  if (field.options) for (const option of field.options) option.selected = value.includes(option.value);
  else if (isTick(field)) field.checked = value;
  else field.value = value;
}

function isTick(field) {
  return ["checkbox", "radio"].includes(field.type);
}
