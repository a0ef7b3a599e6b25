"use strict";
// Asks for this page again every few seconds, and replaces the parts that have changed.
const HEADERS = { "X-OpenAI-Batch": "1" };
const main = document.querySelector("main");
const notice = document.getElementById("notice");
let timer;

function say(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

function take(page) {
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const shown = document.getElementById(fresh.id);
    if (!shown || shown.innerHTML === fresh.innerHTML) continue;
    const isOpen = shown.querySelector("details[open]");
    const hasFocus = shown.contains(document.activeElement) && fresh.id === "cancel" && fresh.firstElementChild;
    if (hasFocus) continue;
    shown.replaceChildren(...fresh.childNodes);
    if (isOpen) shown.querySelector("details")?.setAttribute("open", "");
  }
  main.dataset.poll = page.querySelector("main").dataset.poll;
}

async function refresh() {
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: HEADERS, credentials: "same-origin" });
      if (answer.ok) {
        take(new DOMParser().parseFromString(await answer.text(), "text/html"));
        say("");
      } else {
        say(answer.status === 401 || answer.status === 403
          ? "You are signed out: reload this page to sign in again."
          : "This page could not be brought up to date; it is tried again.");
      }
    } catch {
      say("Airflow cannot be reached; it is tried again.");
    }
  }
  plan();
}

function plan() {
  clearTimeout(timer);
  const seconds = Number(main.dataset.poll);
  if (seconds) timer = setTimeout(refresh, seconds * 1000);
}

document.addEventListener("visibilitychange", () => document.hidden || refresh());

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-cancel]");
  if (button) {
    button.disabled = true;
    const answer = await fetch(button.dataset.cancel, { method: "POST", headers: HEADERS, credentials: "same-origin" });
    const told = await answer.json();
    say(answer.ok ? `Cancel requested for ${told.cancelled.length} batches.` : told.detail);
    button.disabled = false;
    button.blur();
    if (answer.ok) setTimeout(refresh, 500);
    return;
  }
  // Airflow shows this page in a frame that may not lead its window elsewhere; the window itself may.
  const link = event.target.closest("[data-outside]");
  if (link && window.parent !== window) {
    event.preventDefault();
    const outer = window.parent.document.createElement("a");
    outer.href = link.href;
    outer.click();
  }
});

plan();
