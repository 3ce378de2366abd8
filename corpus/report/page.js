// Sorts and filters tables, tells what lies under the pointer, hides series, orders bars. Without this script the
// page is whole: marks carry their words as titles, and every chart has its numbers in a table below it.
"use strict";
const made = (tag, kind, words) => Object.assign(document.createElement(tag), { className: kind, textContent: words });

for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  if (!body || body.rows.length < 3) continue;
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") === "descending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const numeric = head.classList.contains("n");
      const key = (row) => numeric ? Number(row.cells[at].dataset.v || "-Infinity") : row.cells[at].textContent;
      const rows = [...body.rows].map((row) => [key(row), row]);
      const compare = (a, b) => numeric ? (a < b ? -1 : a > b ? 1 : 0) : a.localeCompare(b, "en", { numeric: true });
      rows.sort(([a], [b]) => up ? compare(a, b) : compare(b, a));
      body.append(...rows.map(([, row]) => row));
    });
  });
  if (body.rows.length < 9) continue;
  const label = made("label", "filter", "Rows that contain");
  const input = Object.assign(document.createElement("input"), { type: "search" });
  label.append(input);
  table.before(label);
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}

// A mark's title becomes a note that shows at once.
const tip = made("div", "tip", "");
tip.hidden = true;
tip.setAttribute("aria-hidden", "true");
document.body.append(tip);
for (const title of document.querySelectorAll("figure svg title")) {
  title.parentElement.dataset.said = title.textContent;
  title.remove();
}
document.addEventListener("pointermove", (event) => {
  const said = event.target.dataset ? event.target.dataset.said : undefined;
  tip.hidden = !said;
  if (!said) return;
  tip.textContent = said;
  tip.style.left = Math.max(4, Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8)) + "px";
  tip.style.top = Math.max(4, event.clientY - tip.offsetHeight - 10) + "px";
});

// Names in a legend hide and show their series.
const paint = (mark) => [mark.getAttribute("fill"), mark.getAttribute("stroke")].filter((one) => one && one !== "none");
for (const symbol of document.querySelectorAll("svg .role-legend-symbol path")) {
  const entry = symbol.parentElement.parentElement, svg = symbol.ownerSVGElement;
  const colours = paint(symbol);
  entry.setAttribute("role", "button");
  entry.setAttribute("tabindex", "0");
  entry.setAttribute("aria-label", "Show " + entry.textContent);
  entry.setAttribute("aria-pressed", "true");
  svg.setAttribute("role", "group");
  const toggle = () => {
    const shown = entry.getAttribute("aria-pressed") === "false";
    entry.setAttribute("aria-pressed", String(shown));
    for (const mark of svg.querySelectorAll(".role-mark path, .role-mark line"))
      if (paint(mark).some((one) => colours.includes(one))) mark.classList.toggle("off", !shown);
  };
  entry.addEventListener("click", toggle);
  entry.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); toggle(); }
  });
}

// Bars by name or in the order in which they came. A row is as high as the step between two labels.
for (const figure of document.querySelectorAll('figure[data-kind="bars"]')) {
  const labels = [...figure.querySelectorAll(".layer_1_marks text")];
  if (labels.length < 4) continue;
  const place = (node) => Number(/[,M ](-?[\d.]+)\)?h?/.exec((node.getAttribute("transform") || node.getAttribute("d")).replace(/^.*?,/, ","))[1]);
  const step = place(labels[1]) - place(labels[0]), first = place(labels[0]);
  const rows = labels.map(() => []);
  for (const node of figure.querySelectorAll(".role-mark > path, .role-mark > text, .role-mark > line"))
    rows[Math.max(0, Math.round((place(node) - first) / step - 0.1))].push(node);
  const button = made("button", "tools", "Sort by name");
  button.type = "button";
  let named = false;
  button.addEventListener("click", () => {
    named = !named;
    const order = rows.map((_, at) => at);
    if (named) order.sort((a, b) => labels[a].textContent.localeCompare(labels[b].textContent, "en", { numeric: true }));
    order.forEach((from, to) => { for (const node of rows[from]) node.style.translate = `0 ${(to - from) * step}px`; });
    button.textContent = named ? "Sort as at first" : "Sort by name";
  });
  figure.querySelector("svg").before(button);
}
