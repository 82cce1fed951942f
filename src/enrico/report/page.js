"use strict";
// The page is whole without this: it adds tooltips that come at once, keys and zoom.
const scroller = document.querySelector(".scroller");
const plot = document.querySelector(".plot");
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("role", "status");
document.body.append(tip);

const texts = new Map();
for (const mark of plot.querySelectorAll("[title]")) {
  texts.set(mark, mark.title);
  mark.removeAttribute("title");
}

let lit = null;
function light(mark, x, y) {
  if (lit) lit.classList.remove("lit");
  lit = mark;
  tip.hidden = !mark;
  if (!mark) return;
  mark.classList.add("lit");
  tip.textContent = texts.get(mark);
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 12, innerWidth - box.width - 8))}px`;
  tip.style.top = `${y + 16 + box.height > innerHeight ? y - box.height - 8 : y + 16}px`;
}

function markAt(target) {
  for (let mark = target; mark && mark !== plot; mark = mark.parentElement) {
    if (texts.has(mark)) return mark;
  }
  return null;
}

plot.addEventListener("pointermove", (event) => {
  light(markAt(event.target), event.clientX, event.clientY);
});
plot.addEventListener("pointerleave", () => light(null));

const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
for (const lane of plot.querySelectorAll(".lane")) {
  const marks = [...lane.children].filter((mark) => texts.has(mark));
  let at = -1;
  lane.addEventListener("keydown", (event) => {
    if (event.key === "Escape") light(null);
    if (!(event.key in steps) || !marks.length) return;
    event.preventDefault();
    at = Math.max(0, Math.min(marks.length - 1, at + steps[event.key]));
    marks[at].scrollIntoView({ block: "nearest", inline: "nearest" });
    const box = marks[at].getBoundingClientRect();
    light(marks[at], box.left, box.bottom - 8);
  });
  lane.addEventListener("blur", () => light(null));
}

let zoom = 1;
function zoomTo(wanted, x) {
  const before = zoom;
  zoom = Math.max(1, Math.min(64, wanted));
  const middle = x === undefined ? scroller.clientWidth / 2 : x;
  const place = (scroller.scrollLeft + middle) / before;
  plot.style.width = `${zoom * 100}%`;
  scroller.scrollLeft = place * zoom - middle;
}
document.querySelector(".zoom").hidden = false;
for (const button of document.querySelectorAll("[data-zoom]")) {
  const factor = Number(button.dataset.zoom);
  button.addEventListener("click", () => zoomTo(factor ? zoom * factor : 1));
}
scroller.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  const x = event.clientX - scroller.getBoundingClientRect().left;
  zoomTo(zoom * (event.deltaY < 0 ? 1.25 : 0.8), x);
}, { passive: false });
