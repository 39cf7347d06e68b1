// stock: keeps what is left of the counted toys right while the page is looked at. A toy is asked for by its ETag, so
// that an answer has a body only when something was ordered.

const firstPauseMs = 2_000; // after a change, and at first
const longestPauseMs = 15_000; // while nothing changes
const patienceMs = 30 * 60_000; // how long a page is kept right after it was opened
const mostToys = 12; // how many are asked for at a time: those that are on the screen

const tags = new Map(); // the ETag of the last answer, by the toy's number

// follow asks again and again, until the page has been open for half an hour. A page that is not seen asks nothing.
export async function follow() {
  const end = performance.now() + patienceMs;
  for (let pause = firstPauseMs; performance.now() < end;) {
    await new Promise((wake) => setTimeout(wake, pause));
    if (document.hidden) continue;
    const changes = await Promise.all(seen().map(ask));
    pause = changes.includes(true) ? firstPauseMs : Math.min(pause * 1.5, longestPauseMs);
  }
}

function seen() {
  const counted = [...document.querySelectorAll(".left[data-left]")];
  return counted.filter((left) => {
    const { top, bottom } = left.getBoundingClientRect();
    return bottom > top && bottom > 0 && top < innerHeight;
  }).slice(0, mostToys);
}

// ask reports whether what is left of a toy has changed. A toy that cannot be asked for stays as it was shown.
async function ask(left) {
  const id = left.closest(".toy").id.slice("toy-".length);
  const headers = { Accept: "application/json" };
  if (tags.has(id)) headers["If-None-Match"] = tags.get(id);
  try {
    const answer = await fetch(`/api/products/${id}`, { headers, cache: "no-store", signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) return false;
    const toy = await answer.json();
    tags.set(id, answer.headers.get("ETag"));
    return show(left, toy.stock);
  } catch {
    return false;
  }
}

function show(left, stock) {
  if (stock === undefined || left.dataset.left === String(stock)) return false;
  left.dataset.left = stock;
  left.textContent = inWords(stock);
  return true;
}

// inWords is what is left, as the page's template has it.
export function inWords(stock) {
  return stock > 0 ? `${stock} left` : "sold out";
}
