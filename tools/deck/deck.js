// A deck: which page is there and how much of it, and the keys. Plain, for any browser of today.
"use strict";
const pages = [...document.querySelectorAll("#stage > .page")];
const stage = document.getElementById("stage");
const help = document.getElementById("help");
let at = 0;      // the page
let step = 0;    // how many of its parts are there already
let changed = () => {};  // presenter.js puts in what else must know

// Show what is there, here and for a screen reader; tell the other window unless it told us.
function show(page, part, told = false) {
  const before = at;
  at = Math.max(0, Math.min(pages.length - 1, page));
  step = Math.max(0, Math.min(stepsOf(at), part));
  pages.forEach((one, number) => {
    one.hidden = number !== at;
    if (number === at) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
    reveal(one, number === at ? step : 0);
  });
  if (!presenting) history.replaceState(null, "", `#${at + 1}${step ? "." + step : ""}`);
  if (at !== before || !said.textContent) {
    said.textContent = `Slide ${at + 1} of ${pages.length}: ${pages[at].getAttribute("aria-label")}`;
  }
  if (overview()) pages[at].focus();
  changed(told);
}
const said = document.getElementById("said");
const stepsOf = (page) => Number(pages[page].dataset.steps);

function reveal(page, steps) {
  for (const part of page.querySelectorAll("[data-step]")) {
    part.classList.toggle("later", Number(part.dataset.step) > steps);
  }
}

// On and back: a part, or a page; back arrives at the end of a page, where one came from.
function on() { step < stepsOf(at) && !overview() ? show(at, step + 1) : next(at) < pages.length && show(next(at), 0); }
function back() { step > 0 && !overview() ? show(at, step - 1) : last(at) >= 0 && show(last(at), stepsOf(last(at))); }
// In the overview every page is there; else what is left out is passed.
const next = (page) => overview() ? page + 1 : following(page);
const last = (page) => overview() ? page - 1 : preceding(page);

const overview = () => document.body.classList.contains("overview");
function toggleOverview(open = !overview()) {
  if (presenting) return;
  document.body.classList.toggle("overview", open);
  for (const page of pages) open ? page.setAttribute("tabindex", 0) : page.removeAttribute("tabindex");
  show(at, step);
  if (open) pages[at].scrollIntoView({block: "center"});
}
for (const [number, page] of pages.entries()) {
  page.addEventListener("click", () => { if (overview()) { at = number; step = 0; toggleOverview(false); } });
  page.addEventListener("focus", () => { if (overview() && number !== at) show(number, 0); });
}

const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const root = document.documentElement;
root.classList.toggle("dark", dark);

const KEYS = {
  ArrowRight: on, ArrowDown: on, PageDown: on, " ": on,
  ArrowLeft: back, ArrowUp: back, PageUp: back,
  Home: () => show(next(-1), 0), End: () => show(last(pages.length), 0),
  x: () => skip(), h: () => halve(),
  o: () => toggleOverview(), Escape: () => overview() && toggleOverview(false),
  Enter: () => overview() ? toggleOverview(false) : on(),
  p: () => present(), s: () => present(),
  d: () => root.classList.toggle("dark"),
  f: () => document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen(),
  "?": () => help.showModal(),
};
function press(key, event) {
  const act = KEYS[key === " " && event?.shiftKey ? "PageUp" : key];
  if (!act) return;
  event?.preventDefault();
  act();
}
addEventListener("keydown", (event) => {
  // A button keeps its own keys, and the browser keeps those with Ctrl, Alt or ⌘.
  if (event.ctrlKey || event.altKey || event.metaKey || help.open) return;
  if (event.target.closest?.("button, a") && [" ", "Enter"].includes(event.key)) return;
  press(event.key, event);
});
// Once clicked by a pointer, a button lets go of the keys: Space then goes on, and pauses no clock.
addEventListener("click", (event) => { if (event.detail) event.target.closest?.("button")?.blur(); });
for (const button of document.querySelectorAll("[data-key]")) {
  button.addEventListener("click", () => press(button.dataset.key));
}

// The stage has the projector's width or height, whichever is the smaller.
function resize() {
  root.style.setProperty("--zoom", (innerWidth - 36) * .6 / 1280);  // of presenter.js
  const scale = Math.min(innerWidth / 1280, innerHeight / 720);
  const [x, y] = [(innerWidth - 1280 * scale) / 2, (innerHeight - 720 * scale) / 2];
  stage.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
}
addEventListener("resize", resize);
