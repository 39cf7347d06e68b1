// call: one request to the shop's API, measured.

const patienceMs = 60_000;

// signed is who the calls are made for. The token stands nowhere else, and is gone with the page. renew fetches another
// one, and reports whether it did.
export const signed = { token: "", renew: async () => false };

// call never throws. Its result says how it went: ok, status (0 when nothing answered), text, what (the parsed JSON, or
// undefined), ms, and the headers that say who answered and from which cache ("" when absent).
export async function call(path, { method = "GET", accept = "*/*", json, type = "application/json" } = {}) {
  const begun = performance.now();
  const request = { method, headers: { Accept: accept }, signal: AbortSignal.timeout(patienceMs) };
  if (json !== undefined) {
    request.headers["Content-Type"] = type;
    request.body = JSON.stringify(json);
  }
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

// send sends a request with the token, if there is one. One that is refused since the token is over is made once more.
async function send(path, request) {
  const token = signed.token;
  if (!token) return fetch(path, request);
  request.headers.Authorization = `Bearer ${token}`;
  const response = await fetch(path, request);
  if (response.status !== 401 || !(await signed.renew(token))) return response;
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
