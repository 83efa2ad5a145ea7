"use strict";

// Filters operations and schemas by what is written in their first lines, and opens what the address points to.
const filter = document.getElementById("filter");
const entries = [...document.querySelectorAll("details")];
const sections = [...document.querySelectorAll("main > section")];

function apply() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const entry of entries) {
    const text = (entry.id + " " + entry.querySelector("summary").textContent + " " + (entry.querySelector("p")?.textContent ?? "")).toLowerCase();
    entry.hidden = !words.every((word) => text.includes(word));
  }
  for (const section of sections) {
    section.hidden = [...section.querySelectorAll("details")].every((entry) => entry.hidden);
  }
}

function open() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}

filter.addEventListener("input", apply);
window.addEventListener("hashchange", open);
open();
