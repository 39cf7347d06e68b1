// clerk: changes toys' names and takes toys off the shelf, for those who may.

import { call } from "./call.js";

const json = "application/json";

// offer gives every toy its buttons for a clerk, or takes them away.
export function offer(may) {
  for (const item of document.querySelectorAll(".toy")) {
    const there = item.querySelector(".clerk");
    if (!may) there?.remove();
    else if (!there) item.querySelector(".tag").append(buttons(item));
  }
}

function buttons(item) {
  const box = document.createElement("span");
  const name = () => item.querySelector(".name").textContent;
  box.className = "clerk";
  box.append(
    button("Rename", `Rename ${name()}`, () => rename(item, box, name())),
    " ",
    button("Remove", `Remove ${name()}`, () => remove(item)),
  );
  return box;
}

function button(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = text;
  made.ariaLabel = label;
  made.addEventListener("click", act);
  return made;
}

function address(item) {
  return `/api/products/${item.id.slice("toy-".length)}`;
}

function say(text, failed = false) {
  const said = document.getElementById("account-said");
  said.textContent = text;
  said.classList.toggle("failed", failed);
}

// rename has the new name typed where the buttons were.
function rename(item, box, old) {
  const form = document.createElement("form");
  const input = document.createElement("input");
  form.className = "clerk";
  input.value = old;
  input.required = true;
  input.maxLength = 200;
  input.ariaLabel = `New name of ${old}`;
  const save = document.createElement("button");
  save.textContent = "Save";
  save.className = "quiet";
  form.append(input, save);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await call(address(item), {
      method: "PATCH", accept: json, type: "application/merge-patch+json", json: { name: input.value },
    });
    if (answer.ok) {
      item.querySelector(".name").textContent = answer.what.name;
      item.querySelector(".order").ariaLabel = `Order ${answer.what.name}`;
    }
    say(answer.ok ? `${old} is called ${answer.what.name} now.` : answer.text, !answer.ok);
    form.replaceWith(buttons(item));
    item.querySelector(".clerk button").focus({ preventScroll: true });
  });
  box.replaceWith(form);
  input.focus({ preventScroll: true });
}

async function remove(item) {
  const name = item.querySelector(".name").textContent;
  const answer = await call(address(item), { method: "DELETE", accept: json });
  if (!answer.ok && answer.status !== 404) return say(answer.text, true);
  const next = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  next?.querySelector(".clerk button")?.focus({ preventScroll: true });
  say(`${name} is off the shelf.`);
}
