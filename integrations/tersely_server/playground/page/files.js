/** Files that were chosen or dropped, and the list of them with a button to remove each. */

import { readFile } from "./documents.js";

const drop = document.getElementById("drop");
const chosen = document.getElementById("files");
const problems = document.getElementById("file-problems");

/** @type {{name: string, documents: object[]}[]} */
export const files = [];

/** Take files from the button and from anywhere on the page, and call `changed` when there are more. */
export function acceptFiles(changed) {
  const take = async (list) => {
    problems.replaceChildren();
    for (const file of [...list]) {
      try {
        files.push({ name: file.name, documents: await readFile(file) });
      } catch (error) {
        const line = document.createElement("p");
        line.className = "problem";
        line.textContent = error.message;
        problems.append(line);
      }
    }
    changed();
  };
  chosen.addEventListener("change", async () => {
    await take(chosen.files);
    chosen.value = ""; // the same file can be chosen again
  });

  // A file that misses its place would replace the page; dragged text is the browser's own business.
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  for (const [kind, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    addEventListener(kind, (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      drop.classList.toggle("over", over);
      if (kind === "drop") take(event.dataTransfer.files);
    });
  }
}
