/**
 * Kept spans -> pieces of text. Nothing is drawn here.
 *
 * The service counts characters as Python does, in code points; JavaScript counts UTF-16 units, of which an emoji is two.
 */

/**
 * The whole text in order, in pieces that were kept or dropped.
 *
 * @param {string} text
 * @param {[number, number][]} spans kept characters, from a start up to but not including an end, in order
 * @returns {Generator<[string, boolean]>} a piece that is not empty, and whether it was kept
 */
export function* pieces(text, spans) {
  const at = unitsAt(text);
  let end = 0;
  for (const span of spans) {
    const start = at(span[0]);
    if (end < start) yield [text.slice(end, start), false];
    end = at(span[1]);
    if (start < end) yield [text.slice(start, end), true];
  }
  if (end < text.length) yield [text.slice(end), false];
}

/** A function from code points to UTF-16 units, to be asked in rising order only: it goes through the text once. */
function unitsAt(text) {
  if (!/[\uD800-\uDFFF]/.test(text)) return (points) => points;
  let counted = 0;
  let units = 0;
  return (points) => {
    for (; counted < points; counted++) units += text.codePointAt(units) > 0xffff ? 2 : 1;
    return units;
  };
}
