/** One call of the service: documents in, a result or an error for people out. Waits where the service is busy. */

const TRIES = 6;

/** What the service answered instead of a result. `status` is 0 where it could not be reached. */
export class ServiceError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * Compress.
 *
 * @param {object} request the arguments of `Compressor.compress`
 * @param {object} options
 * @param {string} options.token sent as a bearer token, unless it is empty
 * @param {AbortSignal} options.signal ends the call, also while it waits
 * @param {(seconds: number) => void} options.onWait told once a second how long is left until it asks again
 * @throws {ServiceError}
 */
export async function compress(request, { token, signal, onWait }) {
  const body = JSON.stringify(request);
  for (let tried = 1; ; tried++) {
    const answer = await ask(body, token, signal);
    if (answer.ok) return await parsed(answer);
    if (!mayPass(answer) || tried === TRIES) throw await refusal(answer, token);
    await wait(secondsToWait(answer, tried), signal, onWait);
  }
}

async function ask(body, token, signal) {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  try {
    return await fetch("v1/compress", { method: "POST", headers, body, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ServiceError("The service cannot be reached. Your documents are still here.", 0);
  }
}

async function parsed(answer) {
  try {
    return await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError("The service broke off, or answered with something that is not JSON.", 0);
  }
}

async function refusal(answer, token) {
  if (answer.status === 401) {
    const message = token ? "The service does not accept this access token." : "This service asks for an access token.";
    return new ServiceError(message, 401);
  }
  let said = `The service answered with status ${answer.status}.`;
  try {
    said = (await answer.json()).error.message;
  } catch {
    // Not the service but something before it, such as a proxy, which need not answer in JSON.
  }
  return new ServiceError(said, answer.status);
}

/** Whether the service asks to be asked again: it has too much to do, or is not ready yet. */
function mayPass(answer) {
  return answer.status === 429 || (answer.status === 503 && answer.headers.has("Retry-After"));
}

/** As the answer says, in seconds or as a date; else 1, 2, 4, ... */
function secondsToWait(answer, tried) {
  const asked = answer.headers.get("Retry-After");
  const seconds = Number(asked ?? NaN);
  if (asked && seconds >= 0) return Math.max(1, Math.ceil(seconds));
  const until = (Date.parse(asked) - Date.now()) / 1000;
  return until > 0 ? Math.ceil(until) : 2 ** (tried - 1);
}

async function wait(seconds, signal, onWait) {
  for (let left = seconds; left > 0; left--) {
    onWait(left);
    await new Promise((done) => setTimeout(done, 1000));
    signal.throwIfAborted();
  }
}
