"use strict";
// Everything is in the page already. This script only hides, shows and sorts it, so the page can be read without it.
const PAGE = 10;

function showChosen(section) {
  // One confusion matrix or reliability plot at a time, by language.
  for (const select of section.querySelectorAll("select[data-shows]")) {
    const parts = section.querySelectorAll(`[data-of="${select.dataset.shows}"]`);
    const update = () => parts.forEach((part) => { part.hidden = part.dataset.key !== select.value; });
    select.addEventListener("change", update);
    update();
  }
}

function pickPoints(section) {
  // A key below a map highlights the points of its label or language.
  for (const maps of section.querySelectorAll(".modes .body")) {
    maps.addEventListener("click", (event) => {
      const key = event.target.closest(".keys button");
      if (!key) return;
      const on = key.getAttribute("aria-pressed") !== "true";
      maps.querySelectorAll(".keys button").forEach((other) => other.setAttribute("aria-pressed", "false"));
      maps.querySelectorAll(".points g.on").forEach((group) => group.classList.remove("on"));
      key.setAttribute("aria-pressed", String(on));
      maps.classList.toggle("picked", on);
      if (on) maps.querySelectorAll(`[data-group="${key.dataset.key}"]`).forEach((group) => group.classList.add("on"));
    });
  }
}

function filterExamples(section) {
  const form = section.querySelector(".filters");
  if (!form) return;
  const count = section.querySelector(".found");
  const more = section.querySelector(".more");
  const examples = [...section.querySelectorAll(".example")].map((element) => ({
    element,
    text: element.textContent.toLowerCase(),
    kinds: element.dataset.kinds.split(" "),
  }));
  let shown = PAGE;
  const update = () => {
    const words = form.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wants = (name, value) => !form.elements[name].value || form.elements[name].value === value;
    let found = 0;
    for (const { element, text, kinds } of examples) {
      const fits = wants("language", element.dataset.language)
        && (!form.elements.kind.value || kinds.includes(form.elements.kind.value))
        && (!form.elements.gold.value || JSON.parse(element.dataset.gold).includes(form.elements.gold.value))
        && (!form.elements.predicted.value || JSON.parse(element.dataset.predicted).includes(form.elements.predicted.value))
        && words.every((word) => text.includes(word));
      element.hidden = !fits || found >= shown;
      found += fits;
    }
    count.textContent = `${found} of ${examples.length} texts` + (found > shown ? `, the first ${shown} are shown` : "");
    more.hidden = found <= shown;
  };
  const restart = () => { shown = PAGE; update(); };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", restart);
  more.querySelector("button").addEventListener("click", () => {
    const hidden = examples.filter(({ element }) => !element.hidden).length;
    shown += PAGE;
    update();
    const next = examples.filter(({ element }) => !element.hidden)[hidden];
    if (next) next.element.focus();
  });
  // A printed page has all texts that fit the filters.
  addEventListener("beforeprint", () => { shown = Infinity; update(); });
  addEventListener("afterprint", restart);
  update();
}

function sortTables(section) {
  for (const table of section.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    table.tHead.addEventListener("click", (event) => {
      const head = event.target.closest("th");
      if (!head || !event.target.closest("button")) return;
      const column = head.cellIndex;
      const direction = head.getAttribute("aria-sort") === "descending" ? "ascending" : "descending";
      table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", direction);
      const sign = direction === "ascending" ? 1 : -1;
      const value = (row) => row.cells[column].dataset.value;
      const rows = [...body.rows].sort((a, b) => {
        const [left, right] = [value(a), value(b)];
        if (left === "" || right === "") return (left === "") - (right === "");
        return sign * (column ? left - right : left.localeCompare(right));
      });
      body.append(...rows);
    });
  }
}

for (const section of document.querySelectorAll(".model")) {
  showChosen(section);
  pickPoints(section);
  filterExamples(section);
  sortTables(section);
}
