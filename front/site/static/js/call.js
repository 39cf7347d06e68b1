// call: one request to the shop's API, measured.

const patienceMs = 60_000;

// signed is who the calls are made for: the account's id, and a token, which stands nowhere else and is gone with the
// page. renew fetches another one, and reports whether it did. While a release is deployed, a page may have this script of
// both: they share it.
export const signed = globalThis[Symbol.for("woody-signed")] ??= { who: "", token: "", renew: async () => false };

// call never throws. Its result says how it went: ok, status (0 when nothing answered), text, what (the parsed JSON, or
// undefined), ms, and the headers that say who answered and from which cache ("" when absent).
export async function call(path, { method = "GET", accept = "*/*", json, type = "application/json", key } = {}) {
  const begun = performance.now();
  const request = { method, headers: { Accept: accept }, signal: AbortSignal.timeout(patienceMs) };
  if (json !== undefined) {
    request.headers["Content-Type"] = type;
    request.body = JSON.stringify(json);
  }
  if (key) request.headers["Idempotency-Key"] = key;
  try {
    const response = await send(path, request);
    const text = await response.text();
    return { ...answered(response, text), ms: performance.now() - begun };
  } catch (problem) {
    const late = problem.name === "TimeoutError";
    return {
      ok: false, status: 0, ms: performance.now() - begun, replica: "", cache: "", timing: "",
      text: late ? "The workshop did not answer within a minute." : "The workshop cannot be reached; is it running?",
    };
  }
}

// once returns a call for things of which pressing again is not to make a second one: until it is known what became of the
// last, the same thing is asked for with the same key.
export function once() {
  let open = null; // what nobody knows of whether it was carried out
  return async (path, options) => {
    const what = JSON.stringify([path, options.json, signed.who]);
    if (open?.what !== what) open = { what, key: newKey() };
    const answer = await call(path, { ...options, key: open.key });
    if (answer.ok || (answer.status >= 400 && answer.status < 500 && !saysNothing.includes(answer.status))) open = null;
    return answer;
  };
}

// saysNothing are the statuses that tell nothing of a try before: who asks, and how often, was in the way.
const saysNothing = [401, 408, 425, 429];

// newKey returns 128 random bits. crypto.randomUUID is only there with TLS.
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

// send sends a request with the token, if there is one. One that is refused since the token is over is made once more,
// but not for somebody else, who has signed in meanwhile in another tab.
async function send(path, request) {
  const { who, token } = signed;
  if (!token) return fetch(path, request);
  request.headers.Authorization = `Bearer ${token}`;
  const response = await fetch(path, request);
  if (response.status !== 401 || !(await signed.renew(token)) || signed.who !== who) return response;
  request.headers.Authorization = `Bearer ${signed.token}`;
  return fetch(path, request);
}

function answered(response, text) {
  const what = parsed(response, text);
  return {
    ok: response.ok,
    status: response.status,
    text: response.ok ? text.trim() : refusal(response, text, what),
    what,
    replica: response.headers.get("X-Served-By") ?? "",
    cache: response.headers.get("Cache-Status") ?? "",
    timing: response.headers.get("Server-Timing") ?? "",
  };
}

function parsed(response, text) {
  if (!/\bjson\b/.test(response.headers.get("Content-Type") ?? "")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// refusal is the sentence to show for an answer that is an error.
function refusal(response, text, problem) {
  const said = problem?.detail ?? problem?.title ?? (problem === undefined ? text.trim() : "");
  return said || `The workshop answered ${response.status} and no reason.`;
}
