/**
 * A list of a hundred thousand rows costs no more than one of a thousand: pages of rows far from what one
 * sees are let go. What stays is their height, and a link that fetches them again when one gets there.
 * Loaded by picker.js when a list has become long.
 */
import { text } from "./text.js";

/** Lets pages go until so many are left, the farthest first and never one that has the focus. */
export function letGo(rows, kept) {
  const pages = [...rows.querySelectorAll("tbody[data-at]")];
  if (pages.length <= kept) return;
  const middle = rows.getBoundingClientRect().top + rows.clientHeight / 2;
  const distance = (page) => {
    const { top, bottom } = page.getBoundingClientRect();
    return Math.max(top - middle, middle - bottom);
  };
  const far = pages
    .filter((page) => !page.contains(document.activeElement))
    .map((page) => [distance(page), page])
    .sort(([a], [b]) => b - a);
  for (const [, page] of far.slice(0, pages.length - kept)) replace(page);
}

function replace(page) {
  const rest = document.createElement("tbody");
  const link = document.createElement("a");
  const { at } = page.dataset;
  rest.className = "load";
  rest.dataset.rest = page.rows.length;
  rest.setAttribute("role", "rowgroup");
  const row = rest.insertRow();
  const cell = row.insertCell();
  row.className = "load";
  row.setAttribute("role", "row");
  row.style.height = `${page.getBoundingClientRect().height}px`;
  cell.colSpan = 3;
  cell.setAttribute("role", "cell");
  link.href = at;
  link.textContent = text("rows-again", { num: page.rows.length });
  const attributes = { get: at, trigger: "click, intersect once root:.rows", target: "closest tbody", swap: "outerHTML" };
  for (const [name, value] of Object.entries(attributes)) link.setAttribute(`hx-${name}`, value);
  cell.append(link);
  page.replaceWith(rest);
  htmx.process(rest);
}
