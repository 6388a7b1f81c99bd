/** Shows into which documents the input was split. */

import { files } from "./files.js";

const SHOWN = 200;
const line = document.getElementById("split");
const list = document.getElementById("found");

/**
 * @param {object[]} pasted documents from the box
 * @param {() => void} changed called after a file was removed
 */
export function showFound(pasted, changed) {
  const fromFiles = files.flatMap((file) => file.documents).length;
  const total = pasted.length + fromFiles;
  const parts = [`${count(total, "document")}`];
  if (pasted.length && fromFiles) parts.push(`${pasted.length} pasted, ${fromFiles} from files`);
  const said = total ? parts.join(": ") : "";
  if (line.textContent !== said) line.textContent = said; // the same again would be read aloud again
  list.hidden = !total;
  const rows = pasted.slice(0, SHOWN).map((one) => row(one.title ?? one.id ?? one.text, one.text.length));
  if (pasted.length > SHOWN) rows.push(item(`and ${(pasted.length - SHOWN).toLocaleString("en")} more`));
  list.replaceChildren(...rows, ...files.map((file) => fileRow(file, changed)));
}

function fileRow(file, changed) {
  const one = file.documents.length === 1;
  const characters = file.documents.reduce((sum, document) => sum + document.text.length, 0);
  const entry = row(file.name, characters, one ? "" : `${count(file.documents.length, "document")}, `);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Remove";
  button.setAttribute("aria-label", `Remove ${file.name}`);
  button.addEventListener("click", () => {
    files.splice(files.indexOf(file), 1);
    changed();
    document.getElementById("box").focus(); // the button is gone
  });
  entry.append(button);
  return entry;
}

function row(name, characters, before = "") {
  const entry = item(String(name).slice(0, 200));
  const size = document.createElement("span");
  size.className = "quiet";
  size.textContent = `${before}${count(characters, "character")}`;
  entry.append(size);
  return entry;
}

function item(text) {
  const entry = document.createElement("li");
  const name = document.createElement("bdi");
  name.textContent = text;
  entry.append(name);
  return entry;
}

function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
