// orders: places an order and follows it until it is settled.

import { call, once } from "./call.js";

const firstLookMs = 150;
const longestPauseMs = 2_000;
const patienceMs = 60_000;

const order = once();

// place orders a toy and reports every answer to onAnswer, with the sentence that says where the order stands.
// It returns when the order is settled, when an answer is an error, or when patience is at its end.
export async function place(product, onAnswer, onNumber) {
  let answer = await order("/api/orders", { method: "POST", accept: "application/json", json: { product } });
  const id = answer.what?.order_id;
  if (!answer.ok || !id) return onAnswer(answer);
  onNumber(id);
  onAnswer(answer, standing(id, product, answer.what.status));
  const end = performance.now() + patienceMs;
  for (let pause = firstLookMs; performance.now() < end; pause = Math.min(pause * 1.5, longestPauseMs)) {
    await new Promise((wake) => setTimeout(wake, pause));
    answer = await look(id);
    if (!answer.ok && !isPassing(answer.status)) return onAnswer(answer);
    if (answer.ok && answer.what?.status !== "Pending") {
      return onAnswer(answer, standing(id, product, answer.what?.status));
    }
  }
  onAnswer(answer, `Order ${id} for ${product} is still pending after a minute; look it up later.`);
}

function look(id) {
  return call(`/api/orders/${encodeURIComponent(id)}`, { accept: "application/json" });
}

// isPassing reports whether a status says nothing of the order: the network is away, or the shop is busy or ill.
function isPassing(status) {
  return status === 0 || status === 429 || status >= 500;
}

function standing(id, product, status) {
  return `${product}: ${status ?? "status unknown"}\nOrder ${id}`;
}
