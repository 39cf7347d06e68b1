// app: gives the page's forms, which work without it too, answers in place.

import { call, once } from "./call.js";
import { receiptOf } from "./receipt.js";
import { place } from "./orders.js";
import { offerAll, put } from "./shelf.js";
import { watch } from "./parcels.js";

const field = (id) => document.getElementById(id);

// onSubmit runs act while the card is busy; pressing again meanwhile does nothing.
function onSubmit(cardId, act) {
  const card = document.getElementById(cardId);
  const receipt = receiptOf(card);
  card.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (receipt.isBusy) return;
    receipt.busy(true);
    receipt.say("Asking…");
    try {
      await act(receipt);
    } finally {
      receipt.busy(false);
    }
  });
}

function get(cardId, path) {
  onSubmit(cardId, async (receipt) => receipt.show(await call(path())));
}

// posts says on the card that its call is a POST: only without this script does the form use the lab's writing GET.
function posts(cardId, path) {
  const line = document.querySelector(`#${cardId} .line`);
  line.firstElementChild.textContent = "POST";
  line.lastChild.textContent = ` ${path}`;
}

function order(name) {
  const card = document.getElementById("call-order");
  const receipt = receiptOf(card);
  card.scrollIntoView({ block: "center" });
  if (receipt.isBusy) return receipt.say(`${name} is not ordered: an order is under way. Press again when that is settled.`, true);
  field("order-name").value = name;
  const form = card.querySelector("form");
  form.querySelector("button").focus({ preventScroll: true });
  form.requestSubmit();
}

get("call-time", () => "/api/misc/time");
get("call-heavy", () => `/api/misc/heavy?name=${encodeURIComponent(field("heavy-name").value)}`);
get("call-last", () => "/api/products/last");
get("call-status", () => `/api/orders/?order_id=${encodeURIComponent(field("status-id").value.trim())}`);

const add = once();

onSubmit("call-add", async (receipt) => {
  const answer = await add("/api/products", { method: "POST", accept: "application/json", json: { name: field("add-name").value } });
  if (!answer.ok || !answer.what) return receipt.show(answer);
  put(answer.what, order);
  field("order-name").value = answer.what.name;
  field("add-name").value = "";
  receipt.show(answer, `${answer.what.name} stands on the shelf as No. ${answer.what.id}.`);
});

onSubmit("call-order", (receipt) => {
  const product = field("order-name").value; // before somebody types another one
  return place(
    product,
    (answer, text) => receipt.show(answer, text),
    (id) => {
      field("status-id").value = id;
      document.dispatchEvent(new CustomEvent("ordered", { detail: { id, product } }));
    },
  );
});

posts("call-add", "/api/products");
posts("call-order", "/api/orders");
offerAll(order);
if (document.querySelector("[data-left]")) import("./stock.js").then((stock) => stock.follow());
if (document.getElementById("account")) import("./account.js").then((account) => account.open());
watch();
