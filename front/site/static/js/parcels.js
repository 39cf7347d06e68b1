// parcels: a row for each file of the page, as the browser measured it.

import { duration } from "./receipt.js";

const part = (id) => document.getElementById(id);
const seen = new Map();

// watch fills the tables from now on, with what came before too.
export function watch() {
  part("parcel-tables").hidden = false;
  const observer = new PerformanceObserver((list) => {
    list.getEntries().forEach(add);
    sumUp();
  });
  observer.observe({ type: "navigation", buffered: true });
  observer.observe({ type: "resource", buffered: true });
}

// add makes or, since a page is told of twice (while and when it has loaded), remakes the entry's row.
function add(entry) {
  const url = new URL(entry.name);
  const isPage = entry.entryType === "navigation";
  if (!isPage && !/\/assets\/.+\./.test(url.pathname)) return;
  const isPicture = url.pathname.includes("/assets/toy-");
  const key = `${entry.name} ${entry.startTime}`;
  const row = seen.get(key)?.row ?? part(isPicture ? "parcels-of-pictures" : "parcels-of-page").insertRow();
  seen.set(key, { row, entry });
  const [how, kind] = source(entry);
  row.replaceChildren(
    headed(isPage ? "the page itself" : plainName(url), url.host),
    cell(how, kind, answeredBy(entry)),
    cell(size(weight(entry)), "number"),
    cell(duration(isPage ? entry.responseEnd : entry.duration), "number"),
  );
}

function sumUp() {
  const entries = [...seen.values()].map(({ entry }) => entry);
  const total = entries.reduce((sum, entry) => sum + weight(entry), 0);
  const kept = entries.filter((entry) => source(entry)[1] === "hit").length;
  part("parcels-sum").textContent =
    `So far ${entries.length} files of ${size(total)}; ${kept} of them from this browser's cache.`;
}

// plainName is the file's name without its hash.
function plainName(url) {
  return url.pathname.split("/").pop().replace(/\.[0-9a-f]{16}\./, ".");
}

// source tells a copy that the browser had from one that was sent. Hosts that do not allow timing give no sizes.
function source({ transferSize, encodedBodySize, deliveryType }) {
  if (deliveryType === "cache" || (transferSize === 0 && encodedBodySize > 0)) return ["browser cache", "hit"];
  if (transferSize > 0 && transferSize < encodedBodySize) return ["browser cache, checked", "hit"];
  return transferSize > 0 ? ["network", ""] : ["not told", ""];
}

// answeredBy is the Server-Timing of the answer: which replica sent it, and what the caches on its way say.
function answeredBy({ serverTiming }) {
  return serverTiming.map(({ name, description }) => (description ? `${name}: ${description}` : name)).join(", ");
}

function weight({ transferSize, encodedBodySize }) {
  return transferSize || encodedBodySize;
}

function size(bytes) {
  if (!bytes) return "";
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

function headed(text, note) {
  const made = document.createElement("th");
  made.scope = "row";
  return filled(made, text, note);
}

function cell(text, className, note = "") {
  const made = document.createElement("td");
  if (className === "number") made.className = className;
  const words = document.createElement("span");
  words.textContent = text;
  if (className !== "number") words.className = className;
  made.append(words);
  return note ? filled(made, "", note) : made;
}

function filled(made, text, note) {
  const small = document.createElement("small");
  small.textContent = note;
  made.append(text, small);
  return made;
}
