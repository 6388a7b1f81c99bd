/** One method's result on the page: figures, the prompt to copy, and every document lit and dimmed. Asks for nothing. */

import { copy } from "./copying.js";
import { savedPerThousand } from "./money.js";
import { pieces } from "./spans.js";

const SLICE = 10; // milliseconds of work before the page gets a turn

/** The column of a method, to be put on the page as its `node`. */
export function column(method) {
  const heading = element("h2", { id: `method-${method}`, tabIndex: -1 }, method);
  const problem = element("div", { className: "problem", role: "alert", hidden: true });
  const figures = element("dl", { className: "figures" });
  const facts = element("p", { className: "quiet facts" });
  const prompt = element("textarea", { readOnly: true, rows: 12, dir: "auto", ariaLabel: `Prompt of ${method}` });
  const button = element("button", { type: "button" }, "Copy the prompt");
  const copied = element("span", { className: "quiet", role: "status" });
  const copying = element("p", { className: "row" }, button, copied);
  const shown = element("details", {}, element("summary", {}, "Show the prompt"), prompt);
  const account = element("div", { hidden: true }, figures, facts, copying, shown);
  const list = element("ol", { className: "documents" });
  const node = element("section", { className: "result" }, element("header", {}, heading, problem, account), list);
  node.setAttribute("aria-labelledby", heading.id);
  let result = null;

  button.addEventListener("click", async () => {
    copied.textContent = "";
    copied.textContent = (await copy(prompt)) ? "Copied." : "Selected: press Ctrl+C or ⌘C to copy.";
  });

  const clear = () => {
    result = null;
    account.hidden = true;
    list.replaceChildren();
    problem.replaceChildren();
    problem.hidden = true;
    copied.textContent = "";
    node.style.removeProperty("--rows");
  };

  return {
    node,
    method,
    clear,

    /** Show why there is no result; `retry`, if given, is what a button does about it. */
    fail(message, retry) {
      clear();
      problem.hidden = false;
      problem.append(element("p", {}, message));
      if (retry) {
        const again = element("button", { type: "button" }, "Try again");
        again.addEventListener("click", () => {
          heading.focus(); // the button will be gone
          retry();
        });
        problem.append(again);
      }
    },

    /** Show a result, all at once, unless `signal` is aborted before it is drawn. */
    async show(next, signal) {
      const drawn = await drawDocuments(next);
      signal.throwIfAborted();
      problem.hidden = true;
      problem.replaceChildren();
      result = next;
      // The same entries stay, so that the page does not jump while the rate is moved.
      while (list.children.length > drawn.length) list.lastChild.remove();
      while (list.children.length < drawn.length) list.append(element("li"));
      drawn.forEach(([fragment, kept], index) => {
        list.children[index].className = kept ? "" : "whole";
        list.children[index].replaceChildren(fragment);
      });
      node.style.setProperty("--rows", drawn.length + 1);
      prompt.value = result.prompt;
      copied.textContent = "";
      account.hidden = false;
      facts.textContent = factsOf(result);
      this.showMoney();
    },

    /** Show the figures again: the price is another. */
    showMoney() {
      if (!result) return;
      const rows = Object.entries(figuresOf(result)).map(([name, value]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, value)),
      );
      figures.replaceChildren(...rows);
    },

    /** The result in one sentence. */
    get sentence() {
      const tokens = `${number(result.compressed_tokens)} of ${number(result.original_tokens)} tokens`;
      return `${result.method} keeps ${tokens}.`;
    },
  };
}

function figuresOf(result) {
  return {
    Tokens: `${number(result.original_tokens)} → ${number(result.compressed_tokens)}`,
    Kept: `${(100 * result.rate).toFixed(1)}%`,
    Shorter: result.ratio === null ? "–" : `${result.ratio.toFixed(1)} times`,
    "Saved in 1,000 requests": savedPerThousand(result),
  };
}

function factsOf(result) {
  const seconds = Object.values(result.seconds).reduce((sum, one) => sum + one, 0);
  const used = `budget ${number(result.target_tokens)} tokens`;
  const model = result.model ? `scored by ${result.model}` : "nothing had to be scored";
  return `${used}, ${model}, tokens of ${result.tokenizer}, ${seconds.toFixed(2)} s`;
}

/** Every document as the caller gave them: [what is shown of it, whether anything of it is kept]. */
async function drawDocuments(result) {
  const ranked = result.documents.map((one) => one.relevance).filter((one) => one !== null);
  ranked.sort((one, other) => other - one);
  const drawn = [];
  const turn = turns();
  for (const one of [...result.documents, ...result.skipped].sort((one, other) => one.index - other.index)) {
    const fragment = document.createDocumentFragment();
    drawn.push([fragment, Boolean(one.kept?.length)]);
    const name = (one.document ?? one).title || (one.document ?? one).id || `Document ${one.index + 1}`;
    fragment.append(element("h3", {}, element(one.kept?.length ? "bdi" : "del", { dir: "auto" }, name)));
    if (!one.document) {
      fragment.append(element("p", { className: "quiet" }, `skipped: ${one.reason}`));
      continue;
    }
    fragment.append(documentFacts(one, ranked));
    const text = element("p", { className: "text", dir: "auto" });
    for (const [piece, kept] of pieces(one.document.text, one.kept)) {
      const white = kept ? /^\s*/.exec(piece)[0] : "";
      if (white) text.append(element("mark", { className: "white" }, white));
      if (piece.length > white.length) text.append(element(kept ? "mark" : "del", {}, piece.slice(white.length)));
      await turn();
    }
    fragment.append(text);
  }
  return drawn;
}

function documentFacts(one, ranked) {
  const tokens = one.kept.length
    ? `${number(one.original_tokens)} → ${number(one.compressed_tokens)} tokens`
    : `${number(one.original_tokens)} tokens, dropped`;
  const line = element("p", { className: "quiet facts" }, tokens);
  if (one.relevance !== null) {
    const [best, worst] = [ranked[0], ranked.at(-1)];
    const bar = element("span", { className: "bar", ariaHidden: "true" });
    bar.style.setProperty("--share", best > worst ? (one.relevance - worst) / (best - worst) : 1);
    const place = `${ranked.indexOf(one.relevance) + 1} of ${ranked.length}`;
    line.prepend(bar, `relevance ${one.relevance.toFixed(2).replace("-", "−")} (${place}) · `);
  }
  return line;
}

/** A function to await between steps of long work: most often it does nothing, now and then it lets the page act. */
function turns() {
  let start = performance.now();
  return async () => {
    if (performance.now() - start < SLICE) return;
    await new Promise((done) => setTimeout(done));
    start = performance.now();
  };
}

/** An element with properties. Children are nodes or text, and text is never read as markup. */
function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function number(value) {
  return value.toLocaleString("en");
}
