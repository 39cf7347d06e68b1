// receipt: shows an answer, and where it came from, on a call's card.

const runsKept = 6;

export function receiptOf(card) {
  const output = card.querySelector("output");
  const facts = card.querySelector("dl");
  const runs = card.querySelector(".runs");
  const button = card.querySelector("button");
  const form = card.querySelector("form");

  const say = (text, failed = false) => {
    output.textContent = text;
    output.classList.toggle("failed", failed);
  };

  const fact = (name, text, kind = "") => {
    const cell = facts.querySelector(`[data-fact=${name}]`);
    cell.textContent = text || "not said";
    cell.className = kind;
  };

  return {
    say,

    // busy keeps the focus where it is: a disabled button would lose it.
    busy(is) {
      form.ariaBusy = String(is);
      button.ariaDisabled = String(is);
    },

    get isBusy() {
      return button.ariaDisabled === "true";
    },

    // show prints an answer; text, when given, stands for the answer's own words.
    show(answer, text = answer.text) {
      say(text, !answer.ok);
      facts.hidden = false;
      fact("took", duration(answer.ms), "took");
      fact("replica", answer.replica);
      fact("cache", answer.cache, cacheKind(answer.cache));
      fact("timing", answer.timing);
      fact("status", answer.status ? String(answer.status) : "no answer");
      remember(runs, answer);
    },
  };
}

function remember(runs, answer) {
  const run = document.createElement("li");
  run.textContent = duration(answer.ms);
  run.className = cacheKind(answer.cache);
  runs.prepend(run);
  runs.hidden = false;
  while (runs.children.length > runsKept) runs.lastChild.remove();
}

// cacheKind tells a hit from a miss in a Cache-Status header (RFC 9211): any layer's hit is a hit.
export function cacheKind(status) {
  if (/;\s*hit\b/.test(status)) return "hit";
  return /;\s*fwd\b/.test(status) ? "miss" : "";
}

export function duration(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
