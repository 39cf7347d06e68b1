// account: signs in and out, and shows what the role of who signed in may do. What one may do is decided by the API, with
// each call; here it is only shown.

import { call, signed } from "./call.js";

const rights = {
  customer: ["orders"],
  clerk: ["orders", "products"],
  administrator: ["orders", "products", "accounts"],
};
const hint = "woody-signed-in"; // that there may be a session to renew, and the account's id: other tabs see it change
const json = "application/json";

const part = (id) => document.getElementById(id);
let account = null; // who is signed in
let renewing = null; // what all wait for who need another token
let timer = 0;

// open continues the session that the browser has a cookie of, if there is one.
export async function open() {
  signed.renew = renew;
  part("sign-in").addEventListener("submit", enter);
  part("sign-out").addEventListener("click", () => leave("/api/session"));
  part("sign-out-everywhere").addEventListener("click", () => leave("/api/sessions"));
  document.addEventListener("ordered", ({ detail }) => remember(detail));
  new MutationObserver(showToys).observe(part("shelf"), { childList: true });
  addEventListener("storage", ({ key }) => { if (key === hint && (recall("localStorage", hint) ?? "") !== signed.who) renew(signed.token); });
  addEventListener("pageshow", ({ persisted }) => { if (persisted && recall("localStorage", hint) !== null) renew(signed.token); });
  if (recall("localStorage", hint)) await renew(signed.token);
  show();
}

// recall returns what a storage has, or null: also where the browser keeps none for this site.
function recall(storage, key) {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

// note puts something into a storage, or takes it out. Where that is blocked or full, the next page does not know of it.
function note(storage, key, value) {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, value);
  } catch {
    // the page does without: other tabs do not follow then
  }
}

function say(text, failed = false) {
  part("account-said").textContent = text;
  part("account-said").classList.toggle("failed", failed);
}

// enter signs in, after making the account if that was asked for.
async function enter(event) {
  event.preventDefault();
  const form = event.target;
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  say("Asking…");
  const who = { name: form.elements.name.value.trim(), password: form.elements.password.value };
  try {
    if (event.submitter?.value === "register") {
      const made = await call("/api/accounts", { method: "POST", accept: json, json: who });
      if (!made.ok) return say(made.text, true);
    }
    const answer = await call("/api/session", { method: "POST", accept: json, json: who });
    if (!answer.ok) return say(answer.text, true);
    take(answer.what);
    form.reset();
    say("");
    part("sign-out").focus({ preventScroll: true });
  } finally {
    form.ariaBusy = "false";
  }
}

// leave ends the session, or all of the account. Where that failed the session goes on, and the page says so: whoever
// uses this browser next could go on with it.
async function leave(path) {
  const { who } = signed;
  const answer = await call(path, { method: "DELETE", accept: json });
  if (signed.who && signed.who !== who) return; // somebody else has signed in meanwhile, as was said
  if (!answer.ok && answer.status !== 401) return say(`${answer.text} You are still signed in: try again.`, true);
  drop();
  say("Signed out.");
  part("account-name").focus({ preventScroll: true });
}

// take begins with a new token, and has it renewed when most of its time is over.
function take({ access_token: token, expires_in: seconds, account: who }) {
  signed.token = token;
  signed.who = who.id;
  const changed = account?.id !== who.id || account?.role !== who.role;
  if (account && account.id !== who.id) {
    note("sessionStorage", `orders of ${account.id}`, null);
    forget();
    say("Somebody else has signed in, in another tab.", true);
  }
  account = who;
  note("localStorage", hint, who.id);
  clearTimeout(timer);
  timer = setTimeout(() => renew(token), seconds * 800);
  if (changed) show();
}

function drop() {
  if (account) note("sessionStorage", `orders of ${account.id}`, null);
  signed.token = signed.who = "";
  account = null;
  note("localStorage", hint, null);
  clearTimeout(timer);
  forget();
  show();
}

// forget takes away what the cards show that was only for who was signed in.
function forget() {
  part("status-id").value = "";
  for (const card of document.querySelectorAll(".call[data-right]")) {
    card.querySelector("output").textContent = "Not asked yet.";
    card.querySelector("dl").hidden = true;
    card.querySelector(".runs").replaceChildren();
    card.querySelector(".runs").hidden = true;
  }
}

// renew gets another token in place of one, by the cookie. Who comes meanwhile waits for the same answer, and who comes
// with an older token has the new one.
function renew(token) {
  if (token !== signed.token) return Promise.resolve(signed.token !== "");
  renewing ??= fetchToken().finally(() => { renewing = null; });
  return renewing;
}

async function fetchToken() {
  let response;
  try {
    response = await fetch("/api/session/renew", { method: "POST", headers: { Accept: json } });
    if (response.ok) {
      take(await response.json());
      return true;
    }
  } catch {
    return false; // the API is away: the session may still be there
  }
  if (response.status === 401) {
    const was = account !== null;
    drop();
    if (was) say("The session has ended; sign in again.", true);
  }
  return false;
}

// show shows what there is for who is signed in.
function show() {
  part("signed-out").hidden = account !== null;
  part("signed-in").hidden = account === null;
  for (const piece of document.querySelectorAll("[data-right]")) piece.hidden = !may(piece.dataset.right);
  part("who").textContent = account?.name ?? "";
  part("role").textContent = account?.role ?? "";
  showOrders();
  showToys();
  const rows = part("account-rows");
  if (!may("accounts")) {
    rows.replaceChildren();
    rows.dataset.own = "";
    return;
  }
  const { id } = account;
  import("./accounts.js").then((accounts) => { if (account?.id === id) accounts.list(id); });
}

function showToys() {
  for (const button of document.querySelectorAll(".toy .order")) button.hidden = !may("orders");
  import("./clerk.js").then((clerk) => clerk.offer(may("products")));
}

function may(right) {
  return rights[account?.role]?.includes(right) ?? false;
}

// The numbers of the orders stay with this tab, and go when it is closed or its user signs out.
function orders() {
  try {
    return account ? JSON.parse(recall("sessionStorage", `orders of ${account.id}`)) ?? [] : [];
  } catch {
    return [];
  }
}

function remember(order) {
  if (!account) return;
  note("sessionStorage", `orders of ${account.id}`, JSON.stringify([order, ...orders()].slice(0, 20)));
  showOrders();
}

function showOrders() {
  const list = orders();
  part("no-orders").hidden = list.length > 0;
  part("own-orders").replaceChildren(...list.map(({ id, product }) => {
    const item = document.createElement("li");
    const look = document.createElement("button");
    look.type = "button";
    look.className = "quiet";
    look.textContent = "Look it up";
    look.ariaLabel = `Look up the order for ${product}`;
    look.addEventListener("click", () => {
      part("status-id").value = id;
      document.querySelector("#call-status form").requestSubmit();
      part("call-status").scrollIntoView({ block: "center" });
    });
    const name = document.createElement("bdi");
    name.textContent = product;
    item.append(name, " ", look);
    return item;
  }));
}
