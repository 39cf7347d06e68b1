// accounts: all accounts, for administrators, who give them their roles.

import { call } from "./call.js";

const roles = ["customer", "clerk", "administrator"];
const json = "application/json";
const rows = document.getElementById("account-rows");
const more = document.getElementById("more-accounts");
let next = "";

more.addEventListener("click", () => fetchPage(next));

// list shows the first accounts. own is the account of who looks.
export async function list(own) {
  rows.replaceChildren();
  rows.dataset.own = own;
  await fetchPage("/api/accounts?limit=20");
}

async function fetchPage(path) {
  const { own } = rows.dataset;
  const answer = await call(path, { accept: json });
  if (rows.dataset.own !== own) return; // who asked has left
  if (!answer.ok) return say(answer.text, true);
  for (const account of answer.what.accounts) if (!rows.querySelector(`#a-${account.id}`)) rows.append(row(account));
  next = answer.what.next ?? "";
  more.hidden = next === "";
}

function say(text, failed = false) {
  const said = document.getElementById("account-said");
  said.textContent = text;
  said.classList.toggle("failed", failed);
}

function row(account) {
  const made = document.createElement("tr");
  made.id = `a-${account.id}`;
  const name = document.createElement("th");
  name.scope = "row";
  const words = document.createElement("bdi");
  words.textContent = account.name;
  name.append(words);
  const role = document.createElement("td");
  role.append(choice(account));
  const since = document.createElement("td");
  since.textContent = new Date(account.created).toLocaleDateString("en-GB");
  made.append(name, role, since);
  return made;
}

// choice is where an account is given another role. One's own is not taken by a slip of the hand.
function choice(account) {
  const made = document.createElement("select");
  made.ariaLabel = `Role of ${account.name}`;
  made.append(...roles.map((role) => new Option(role, role, false, role === account.role)));
  made.disabled = account.id === rows.dataset.own;
  made.addEventListener("change", async () => {
    const answer = await call(`/api/accounts/${account.id}/role`, { method: "PUT", accept: json, json: { role: made.value } });
    if (answer.ok) account.role = answer.what.role;
    made.value = account.role;
    say(answer.ok ? `${account.name} is ${account.role} now.` : answer.text, !answer.ok);
  });
  return made;
}
