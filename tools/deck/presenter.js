// The presenter's window: the same file with #presenter. The two windows tell each other each move
// by postMessage, which works for files that no server serves.
const presenting = location.hash === "#presenter";
const deck = document.title;
let other = opener;

function present() {
  if (presenting) return;
  other = open(location.href.split("#")[0] + "#presenter", "presenter", "width=1200,height=800");
}
changed = (told) => {
  if (other && !told) other.postMessage({deck, at, step, out: [...out]}, "*");
  if (presenting) fill();
};
addEventListener("message", (event) => {
  const known = event.source === other || !other || other.closed;  // none after a reload
  if (event.data?.deck !== deck || !(known || event.data.hello)) return;
  other = event.source;
  if (event.data.hello) changed(false);
  else leaveOut(event.data.out), show(event.data.at, event.data.step, true);
});

// What the presenter sees: this page as the room sees it, the next one whole, and the notes.
const element = (id) => document.getElementById(id);
function copy(number, steps, into) {
  if (number >= pages.length) return into.replaceChildren("the end");
  const page = pages[number].cloneNode(true);
  page.hidden = false;
  page.removeAttribute("aria-current");
  into.replaceChildren(page);
  return reveal(page, steps);
}
function fill() {
  copy(at, step, element("now"));
  copy(following(at), Infinity, element("next").lastElementChild);
  element("notes").innerHTML = pages[at].querySelector(".notes").innerHTML;
  element("notes").scrollTop = 0;
  tick();
}

// The clock: seconds that ran, kept through a reload, against the minutes planned for this page.
const clock = {ran: 0, since: null};
const elapsed = () => clock.ran + (clock.since ? (Date.now() - clock.since) / 1000 : 0);
const spelt = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
function tick() {
  const [from, until, end] = planned(at);
  const late = elapsed() - until, early = from - elapsed();
  element("elapsed").textContent = spelt(elapsed());
  element("planned").textContent = isOut(at) ? "this section is left out"
    : `planned here: ${spelt(from)} to ${spelt(until)} of ${spelt(end)}`;
  const pace = late > 0 ? `${spelt(late)} late` : early > 0 ? `${spelt(early)} early` : "on time";
  if (element("pace").textContent !== pace && clock.since) element("pace").textContent = pace;
  element("pace").classList.toggle("late", late > 0);
  element("run").textContent = clock.since ? "Pause" : "Start";
}
function turn(running) {
  clock.ran = elapsed();
  clock.since = running ? Date.now() : null;
  keep();
}
function keep() {
  try { sessionStorage.setItem("clock", JSON.stringify(clock)); } catch { /* no storage: no matter */ }
  tick();
}
element("run").addEventListener("click", () => turn(!clock.since));
element("reset").addEventListener("click", () => {
  Object.assign(clock, {ran: 0, since: null});
  element("pace").textContent = "";
  keep();
});

// Begin: where the address says, so that a reload stays on its page.
const [, page, part] = location.hash.match(/^#(\d+)(?:\.(\d+))?$/) ?? [0, 1, 0];
if (presenting) {
  document.body.classList.add("presenting");
  document.title = `Presenter: ${deck}`;
  element("presenter").hidden = false;
  try { Object.assign(clock, JSON.parse(sessionStorage.getItem("clock")) ?? {}); } catch { /* none */ }
  setInterval(tick, 500);
  other?.postMessage({deck, hello: true}, "*");
}
resize();
show(Number(page) - 1, Number(part ?? 0), true);
