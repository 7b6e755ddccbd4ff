// Copying links, Escape, focus, and messages when the server does not answer. Everything else is htmx and forms.

const VISIBLE_FOR_MS = 4000;
const status = document.getElementById("status");
const problem = document.getElementById("problem");
let hideTimer;

function say(text) {
  status.textContent = "";
  requestAnimationFrame(() => (status.textContent = text));
}

// The status line clears itself after a while.
new MutationObserver(() => {
  clearTimeout(hideTimer);
  if (status.textContent) hideTimer = setTimeout(() => (status.textContent = ""), VISIBLE_FOR_MS);
}).observe(status, { childList: true });

function show(text) {
  problem.textContent = text;
  problem.hidden = !text;
  if (text) status.textContent = "";
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied");
  } catch {
    say(`Copy this link: ${text}`);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button.dataset.copy);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing) return;
  event.target.closest(".rename")?.querySelector("[data-cancel]").click();
});

document.addEventListener("focusin", (event) => {
  if (event.target.matches(".rename [name=task]")) event.target.select();
});

// Replacing a part of the page loses the focus: restore it to the same todo, or to the list.
let lastTodo;

document.addEventListener("htmx:beforeRequest", (event) => {
  lastTodo = event.target.closest("[data-todo]")?.id;
  show("");
});

document.addEventListener("htmx:afterSettle", () => {
  if (document.activeElement !== document.body) return;
  const button = lastTodo && document.querySelector(`#${lastTodo} [id^="rename-"]`);
  (button ?? document.getElementById("main")).focus();
});

// Undo a refused change of a checkbox on the page too. What was typed stays.
function failed(event, text, link) {
  for (const box of event.target.closest("form")?.querySelectorAll("input[type=checkbox]") ?? []) {
    box.checked = box.defaultChecked;
  }
  show(text);
  if (link) problem.append(" ", link);
}

function newTab(href, text) {
  return Object.assign(document.createElement("a"), { href, textContent: text, target: "_blank" });
}

document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  const here = location.pathname + location.search;
  if (status === 401) {
    const link = newTab(`/sign-in?next=${encodeURIComponent(here)}`, "Sign in in a new tab");
    failed(event, "You are no longer signed in. Nothing was saved, and your text is still here. Sign in, then try again.", link);
  } else if (status === 403) {
    const text = "You signed in or out in another tab. Nothing was saved. Copy your text if you need it, then reload the page.";
    failed(event, text, Object.assign(newTab(here, "Reload the page"), { target: "" }));
  } else if (status === 404) {
    failed(event, "This todo no longer exists. Reload the page.");
  } else {
    failed(event, "The change was not saved. Try again in a moment.");
  }
});
document.addEventListener("htmx:sendError", (event) => failed(event, "Todo0 does not answer. Try again in a moment."));
