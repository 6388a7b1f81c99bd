/** What is saved at an LLM's list price: the fields of the form for it, and the arithmetic. */

const MILLION = 1_000_000;
const model = document.getElementById("model");
const price = document.getElementById("price");
const source = document.getElementById("price-source");

/** Fill the list of models, and call `changed` whenever another price is picked or typed. */
export async function offerPrices(changed) {
  let prices = [];
  try {
    const answer = await fetch("playground/prices.json");
    if (!answer.ok) throw new Error(answer.statusText);
    prices = await answer.json();
  } catch {
    source.textContent = "The list of prices cannot be had: type a price.";
  }
  model.prepend(...prices.map((row) => new Option(row.model)));
  const pick = () => {
    const row = prices.find((one) => one.model === model.value);
    if (row) price.value = row.input_dollars;
    showSource(row);
    changed();
  };
  model.addEventListener("change", pick);
  price.addEventListener("input", () => {
    model.value = "";
    pick();
  });
  if (!price.value && prices.length) model.value = prices[0].model;
  pick();
}

/** Dollars saved on the documents of a thousand requests like this one, as text; "–" without a price. */
export function savedPerThousand(result) {
  const dollars = price.valueAsNumber;
  if (!(dollars >= 0)) return "–";
  return inDollars((1000 * (result.original_tokens - result.compressed_tokens) * dollars) / MILLION);
}

function inDollars(amount) {
  const digits = amount > 0 && amount < 1 ? { maximumSignificantDigits: 2 } : {};
  return new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", ...digits }).format(amount);
}

/** `row.source` is an address and, after it, what the page says of exceptions. */
function showSource(row) {
  source.replaceChildren();
  if (!row) return;
  const [, address, rest] = /^(\S*)\s*(.*)$/s.exec(row.source);
  const link = document.createElement("a");
  link.textContent = "source";
  if (/^https?:/.test(address)) link.href = address;
  link.rel = "noreferrer";
  source.append("List price of tokens that the LLM reads, as of ", row.read_on, " (", link, ")", rest && ` ${rest}`);
}
