/** The page's one flow: what is on the form -> requests -> results. Whatever changes, it starts anew. */

import { column } from "./column.js";
import { split } from "./documents.js";
import { EXAMPLE } from "./example.js";
import { acceptFiles, files } from "./files.js";
import { showFound } from "./found.js";
import { offerPrices } from "./money.js";
import { compress, ServiceError } from "./service.js";

const PAUSE = 250; // milliseconds after the last change before the service is asked
const NEEDS_QUESTION = ["evidence", "longllmlingua"];

const [box, question, rate, method, beside] = part("box", "question", "rate", "method", "beside");
const [status, countdown, results, empty, meaning] = part("status", "countdown", "results", "empty", "meaning");
const [access, token] = part("access", "token");

let bearer = ""; // in memory only
let columns = [];
let running = new AbortController();
let timer = 0;

/** Something on the form is another: what is under way is out of date. */
function changed() {
  running.abort();
  clearTimeout(timer);
  countdown.textContent = "";
  results.setAttribute("aria-busy", "true");
  showRate();
  timer = setTimeout(run, PAUSE);
}

/** Ask for each method's result in turn. Whoever aborts the run has started another, which then owns the page. */
async function run() {
  const { signal } = (running = new AbortController());
  const pasted = split(box.value);
  showFound(pasted, changed);
  const documents = [...pasted, ...files.flatMap((file) => file.documents)];
  arrangeColumns(documents.length > 0);
  const asked = question.value.trim();
  const request = { documents, rate: rate.valueAsNumber / 100, ...(asked && { question: asked }) };
  const said = [];
  for (const [index, one] of columns.entries()) {
    say(...said, `Compressing with ${one.method} …`);
    try {
      if (!asked && NEEDS_QUESTION.includes(one.method)) {
        throw new ServiceError(`${one.method} needs a question: type one, or choose salience.`, 422);
      }
      const onWait = (seconds) => {
        say(...said, "The service is busy. It is asked again by itself.");
        countdown.textContent = `${seconds} s`;
      };
      const result = await compress({ ...request, method: one.method }, { token: bearer, signal, onWait });
      await one.show(result, signal);
      said.push(one.sentence);
      showAccess(false);
    } catch (error) {
      if (signal.aborted) return;
      const mayPass = ![401, 403, 413, 422].includes(error.status);
      one.fail(error.message, mayPass && changed);
      showAccess(error.status === 401);
      if (error.status === 0 || !access.hidden) {
        columns.slice(index + 1).forEach((other) => other.clear()); // it would be the same there
        break;
      }
    }
  }
  countdown.textContent = "";
  say(...said);
  results.setAttribute("aria-busy", "false");
}

function arrangeColumns(any) {
  empty.hidden = any;
  meaning.hidden = !any;
  for (const option of beside.options) option.disabled = option.value === method.value;
  if (beside.value === method.value) beside.value = "";
  const methods = any ? [method.value, beside.value].filter(Boolean) : [];
  if (methods.join() === columns.map((one) => one.method).join()) return; // what has the focus keeps it
  columns = methods.map((name) => columns.find((one) => one.method === name) ?? column(name));
  results.replaceChildren(...columns.map((one) => one.node));
}

function showAccess(needed) {
  if (!needed && access.contains(document.activeElement)) rate.focus();
  access.hidden = !needed;
}

function showRate() {
  const percent = rate.valueAsNumber;
  part("rate-text")[0].textContent = `${percent}% of the tokens`;
  rate.setAttribute("aria-valuetext", `${percent}% of the tokens`);
}

/** Tell what is going on, on the page and to screen readers; the same again is not told again. */
function say(...sentences) {
  const text = sentences.join(" ");
  if (status.textContent !== text) status.textContent = text;
}

function part(...ids) {
  return ids.map((id) => document.getElementById(id));
}

for (const field of [box, question, rate]) field.addEventListener("input", changed);
for (const field of [method, beside]) field.addEventListener("change", changed);
part("input")[0].addEventListener("submit", (event) => event.preventDefault());
part("example")[0].addEventListener("click", () => {
  box.value = EXAMPLE.text;
  question.value = EXAMPLE.question;
  changed();
  rate.focus(); // the button goes, and the rate is what to try next
});
access.addEventListener("submit", (event) => {
  event.preventDefault();
  bearer = token.value.trim();
  changed();
});
acceptFiles(changed);
offerPrices(() => columns.forEach((one) => one.showMoney()));
addEventListener("pageshow", changed); // a browser may put back what was typed before
