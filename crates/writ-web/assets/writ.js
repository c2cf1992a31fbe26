// The console's script. It announces what is new and moves the focus; it never sends a form, never moves what
// somebody reads, and every page works without it.
"use strict";

// What is new is counted and held back until the reader asks for it.
for (const held of document.querySelectorAll("[data-stream]")) {
  const count = held.querySelector("span");
  const show = held.querySelector("a");
  const seen = new Set();
  let last = null;
  let source = null;
  const open = () => {
    const address = new URL(held.dataset.stream, location.href);
    if (last !== null) address.searchParams.set("from", String(last + 1));
    source = new EventSource(address);
    source.onmessage = (event) => {
      last = Number(event.lastEventId);
      seen.add(event.data);
      count.textContent = seen.size + " new. ";
      show.hidden = false;
    };
  };
  // A page that nobody looks at holds no connection.
  document.addEventListener("visibilitychange", () => {
    if (source !== null) source.close();
    source = null;
    if (!document.hidden) open();
  });
  if (!document.hidden) open();
}

const typing = (target) => target instanceof Element && target.closest("input, textarea, select") !== null;

const moveInList = (step) => {
  const rows = [...document.querySelectorAll("a.row")];
  const here = rows.indexOf(document.activeElement);
  const from = here >= 0 ? here : rows.findIndex((row) => row.hasAttribute("aria-current"));
  const next = rows[from < 0 ? 0 : Math.min(Math.max(from + step, 0), rows.length - 1)];
  if (next) next.focus();
};

const openAct = (act) => {
  act.open = true;
  const field = act.querySelector("input:not([type=hidden])");
  if (field) field.focus();
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
  const approve = document.getElementById("approve");
  const act = document.querySelector("details.act");
  switch (event.key.toLowerCase()) {
    case "j": moveInList(1); break;
    case "k": moveInList(-1); break;
    case "a": if (!approve) return; approve.focus(); break;
    case "r": if (!act) return; openAct(act); break;
    default: return;
  }
  event.preventDefault();
});

// A link to something folded away opens it.
const reveal = () => {
  const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
  const folded = target ? target.closest("details") : null;
  if (folded) folded.open = true;
};
addEventListener("hashchange", reveal);
document.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("a[href^='#']")) setTimeout(reveal);
});
reveal();
