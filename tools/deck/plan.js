// What is left out: whole sections, because half a day has no time for them, or because the
// presenter skips them. Their pages stay in the deck; the keys go past them, and so does the clock.
const out = new Set();
const sectionOf = (page) => pages[page].dataset.section;
const isOut = (page) => out.has(sectionOf(page));
const place = `left out of ${document.title}`;

function following(page) {
  do page += 1; while (page < pages.length && isOut(page));
  return page;
}
function preceding(page) {
  do page -= 1; while (page >= 0 && isOut(page));
  return page;
}

// The seconds at which a page begins and ends, and at which the last one does.
function planned(page) {
  const until = (end) => pages.slice(0, end).reduce(
    (sum, one, number) => sum + (isOut(number) ? 0 : Number(one.dataset.minutes) * 60), 0);
  return [until(page), until(page + 1), until(pages.length)];
}

function leaveOut(names) {
  out.clear();
  for (const name of names) out.add(name);
  pages.forEach((one, number) => one.classList.toggle("out", isOut(number)));
  try { sessionStorage.setItem(place, JSON.stringify([...out])); } catch { /* no storage: no matter */ }
}
// Off a page that is left out now: to the next one, or back when there is none.
function goPast() {
  if (!isOut(at) || overview()) return show(at, step);
  return show(following(at) < pages.length ? following(at) : preceding(at), 0);
}

// The two keys: this section, and all that the plan of half a day leaves out; again takes it back.
function skip() {
  const name = sectionOf(at);
  leaveOut(out.has(name) ? [...out].filter((one) => one !== name) : [...out, name]);
  goPast();
}
function halve() {
  const kept = new Set(pages.filter((page) => "half" in page.dataset).map((page) => page.dataset.section));
  const rest = pages.map((page) => page.dataset.section).filter((name) => !kept.has(name));
  if (!kept.size) return;
  leaveOut(rest.every((name) => out.has(name)) ? [] : rest);
  goPast();
}
try { leaveOut(JSON.parse(sessionStorage.getItem(place)) ?? []); } catch { /* none */ }
