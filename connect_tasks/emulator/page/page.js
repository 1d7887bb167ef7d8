"use strict";
// The server makes all HTML. This only fetches the page again and puts in what has changed.
const PAUSE = 1000;
const parser = new DOMParser();
let isAsking = false;

function reconcile(old, fresh) {
  const wanted = [...fresh.children];
  if (!wanted.every((it) => it.id)) {
    old.replaceChildren(...fresh.childNodes);
    return;
  }
  const ids = new Set(wanted.map((it) => it.id));
  for (const it of [...old.childNodes]) if (!ids.has(it.id)) it.remove();
  // What has not changed is not touched: it may hold the focus, or be half read.
  let place = old.firstChild;
  for (const it of wanted) {
    const known = [...old.children].find((each) => each.id === it.id);
    if (known && known === place) place = place.nextSibling;
    if (!known) old.insertBefore(it, place);
    else if (!known.isEqualNode(it)) known.replaceWith(it);
    else if (known.nextSibling !== place) old.insertBefore(known, place);
  }
}

function show(html, isShown) {
  const fresh = parser.parseFromString(html, "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const wanted = fresh.getElementById(old.id);
    if (!wanted || !isShown(old.id) || old.isEqualNode(wanted)) continue;
    const isAtEnd = old.scrollHeight - old.scrollTop - old.clientHeight < 60;
    reconcile(old, wanted);
    if (isAtEnd) old.scrollTop = old.scrollHeight;
  }
}

function tell(text) {
  const line = document.getElementById("connection");
  if (line.textContent !== text) line.textContent = text;
}

async function ask(url, isShown, options) {
  try {
    const answer = await fetch(url, { cache: "no-store", ...options });
    const html = await answer.text();
    const isPage = answer.headers.get("content-type")?.startsWith("text/html");
    // What was typed stays where it was refused.
    if (isPage) show(html, options && !answer.ok ? (id) => id === "problem" : isShown);
    tell(isPage ? "" : html);
    return answer;
  } catch {
    tell("The local Amazon Connect does not answer; trying again.");
    return null;
  }
}

async function poll() {
  // What went wrong stays to be read until something else is done.
  if (!document.hidden && !isAsking) await ask(location.href, (id) => id !== "problem");
  setTimeout(poll, PAUSE);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-quiet]")) return;
  event.preventDefault();
  if (isAsking) return;
  isAsking = true;
  const body = new URLSearchParams(new FormData(form, event.submitter));
  const typed = form.querySelector("#text");
  const answer = await ask(form.action, () => true, { method: "POST", body });
  if (answer?.ok) {
    history.replaceState(null, "", answer.url);
    if (typed) typed.value = "";
    document.getElementById("text")?.focus();
  }
  isAsking = false;
});

const transcript = document.getElementById("transcript");
if (transcript) transcript.scrollTop = transcript.scrollHeight;
setTimeout(poll, PAUSE);
