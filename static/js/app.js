/** Switches behaviours on: each module looks for its own markup and does nothing without it. */
import * as dialog from "./dialog.js";
import * as drop from "./drop.js";
import * as focus from "./focus.js";
import * as groups from "./groups.js";
import * as menus from "./menus.js";
import * as picker from "./picker.js";
import * as places from "./places.js";
import * as requests from "./requests.js";

const behaviours = [menus, groups, requests, focus, dialog, picker, places, drop];

function init(root) {
  for (const behaviour of behaviours) behaviour.init(root);
}

init(document);
document.addEventListener("htmx:load", (event) => init(event.detail.elt));
