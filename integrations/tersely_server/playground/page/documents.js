/** Pasted text and files -> documents, as `tersely compress` reads them. Nothing is sent or drawn here. */

const SEPARATOR = /^---[ \t]*$/m;
const TITLE = /^# +(\S.*)\n/;
const TEXT_FILE = /\.(txt|text|md|markdown|rst|adoc|org|tex|jsonl)$/i;
// Names under which RAG frameworks write a document's text and id.
const SYNONYMS = { page_content: "text", content: "text", id_: "id", doc_id: "id" };
const SENT = ["text", "title", "id", "keep", "keep_passages"];

/**
 * The documents of what was pasted: JSON Lines where every line is an object with a text, else text that lines of three
 * dashes divide. A first line like `# this` is a document's title.
 */
export function split(pasted) {
  const lines = pasted.trimStart().startsWith("{") ? textLines(pasted) : [];
  if (lines.length && lines.every(([, line]) => hasText(line))) return lines.map(([, line]) => lineDocument(line));
  return pasted.split(SEPARATOR).map(withTitle).filter(Boolean);
}

/**
 * The documents of a file.
 *
 * @throws {Error} it cannot be used; the message says why, and names the file
 */
export async function readFile(file) {
  if (!TEXT_FILE.test(file.name) && file.type !== "text/plain") {
    throw new Error(`${file.name}: left out, for it is no text file (.txt, .md, .jsonl and the like)`);
  }
  let bytes;
  try {
    bytes = await file.arrayBuffer();
  } catch {
    throw new Error(`${file.name}: cannot be read; if it is a folder, drop the files in it`);
  }
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`${file.name}: not UTF-8 text; convert it first`);
  }
  if (!text.trim()) throw new Error(`${file.name}: left out, for it is empty`);
  if (!/\.jsonl$/i.test(file.name)) return [{ id: file.name, text }];
  return textLines(text).map(([number, line]) => lineDocument(line, `${file.name}, line ${number}`));
}

function withTitle(part) {
  const text = part.trim();
  const [line, title] = TITLE.exec(text) ?? ["", ""];
  return text && (title ? { title: title.trim(), text: text.slice(line.length).trim() } : { text });
}

/** Lines that are not blank, with their numbers from 1. Only a line feed ends one: JSON may hold other breaks. */
function textLines(text) {
  return text.split("\n").flatMap((line, index) => (line.trim() ? [[index + 1, line]] : []));
}

function hasText(line) {
  try {
    lineDocument(line);
    return true;
  } catch {
    return false;
  }
}

function lineDocument(line, where) {
  let value;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new Error(`${where}: not JSON (${error.message})`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Error(`${where}: must be a JSON object with a "text"`);
  }
  for (const [theirs, ours] of Object.entries(SYNONYMS)) {
    if (theirs in value && !(ours in value)) value[ours] = value[theirs];
  }
  if (typeof value.text !== "string") {
    throw new Error(`${where}: has no "text"; its keys are ${Object.keys(value).join(", ") || "none"}`);
  }
  return Object.fromEntries(SENT.filter((key) => key in value).map((key) => [key, value[key]]));
}
