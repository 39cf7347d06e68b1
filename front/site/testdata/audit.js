// An audit of what is visible now. It evaluates to a list of sentences, one for each thing that is wrong.
(() => {
  const problems = [];
  const shown = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && e.getClientRects().length > 0;
  const called = (e) => `<${e.localName}${e.id ? " #" + e.id : ""}> "${(e.textContent || "").trim().slice(0, 30)}"`;
  const all = (selector) => [...document.querySelectorAll(selector)];

  // Names: what a screen reader says for each control.
  const nameOf = (e) =>
    e.ariaLabel ||
    (e.getAttribute("aria-labelledby") && document.getElementById(e.getAttribute("aria-labelledby"))?.textContent) ||
    (e.labels?.length && [...e.labels].map((l) => l.textContent).join(" ")) ||
    e.textContent.trim() || e.querySelector("img")?.alt || "";
  for (const e of all("a, button, input, summary, nav, table, output, section")) {
    if (shown(e) && !nameOf(e).trim()) problems.push(`${called(e)} has no name`);
  }
  for (const e of all("img")) if (e.getAttribute("alt") === null) problems.push(`${e.src} has no alt`);
  for (const e of all("img")) if (!e.width || !e.getAttribute("height")) problems.push(`${e.src} has no size`);
  if (!document.documentElement.lang) problems.push("the page does not say its language");
  if (!document.title) problems.push("the page has no title");
  if (all("main").length !== 1) problems.push("there must be one main");
  const ids = all("[id]").map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) problems.push(`the id ${id} stands twice`);

  // Headings: one h1, and no level left out.
  let level = 0;
  for (const e of all("h1, h2, h3, h4")) {
    const next = Number(e.localName[1]);
    if (next > level + 1) problems.push(`${called(e)} skips a level`);
    level = next;
  }
  if (all("h1").length !== 1) problems.push("there must be one h1");

  // Live regions: one for each call.
  for (const e of all(".call")) {
    if (!e.querySelector("output, [role=status], [aria-live]")) problems.push(`${e.id} does not announce its answer`);
  }

  // Contrast: each visible text against each colour that may be behind it.
  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, under) => ({
    r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a),
    b: top.b * top.a + under.b * (1 - top.a), a: 1,
  });
  const brightness = ({ r, g, b }) => {
    const [R, G, B] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const ratio = (one, other) => {
    const [low, high] = [brightness(one), brightness(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  // behind gives the colours that may lie behind an element: a gradient's stops, else the nearest opaque colour.
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.backgroundImage.includes("url(")) return [];
      const stops = (style.backgroundImage.match(/rgba?\([^)]*\)/g) ?? []).map(rgba);
      const plain = rgba(style.backgroundColor);
      if (stops.length && plain.a === 1) return stops.map((s) => over(s, plain)).concat(plain);
      if (stops.length && stops.every((s) => s.a === 1)) return stops;
      if (stops.length) {
        const under = behind(e.parentElement);
        return under.concat(stops.flatMap((s) => under.map((u) => over(s, u))));
      }
      if (plain.a === 1) return [plain];
      if (plain.a > 0) return behind(e.parentElement).map((u) => over(plain, u));
    }
    return [{ r: 255, g: 255, b: 255, a: 1 }];
  };
  const judged = (e, colour, text) => {
    const grounds = behind(e);
    if (!grounds.length) problems.push(`${called(e)} stands on a picture`);
    const worst = Math.min(...grounds.map((g) => ratio(over(rgba(colour), g), g)));
    if (worst < 4.5) problems.push(`"${text.trim().slice(0, 40)}" in ${called(e)} has a contrast of ${worst.toFixed(2)}`);
    return worst;
  };
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || !shown(e) || e.closest("noscript, datalist")) continue;
    texts++;
    judged(e, getComputedStyle(e).color, node.data);
  }
  for (const e of all("input")) {
    judged(e, getComputedStyle(e).color, e.value);
    judged(e, getComputedStyle(e, "::placeholder").color, e.placeholder);
  }
  if (texts < 30) problems.push(`only ${texts} texts were judged`);

  // Room: nothing wider than the screen, and nothing to press smaller than a fingertip.
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) {
    const wide = all("body *").filter((e) => e.getBoundingClientRect().right > width + 1).slice(0, 3).map(called);
    problems.push(`the page scrolls sideways: ${wide.join(", ")}`);
  }
  for (const e of all("button, input, summary, nav a, .button")) {
    const box = e.getBoundingClientRect();
    if (shown(e) && Math.min(box.width, box.height) < 24) problems.push(`${called(e)} is only ${box.width} by ${box.height} px`);
  }
  return problems;
})()
