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

// Undo a refused change on the page too.
function failed(event, text) {
  event.target.closest("form")?.reset();
  show(text);
}

document.addEventListener("htmx:responseError", (event) => {
  const gone = event.detail.xhr.status === 404;
  failed(event, gone ? "This todo no longer exists. Reload the page." : "The change was not saved. Reload the page and try again.");
});
document.addEventListener("htmx:sendError", (event) => failed(event, "Todo0 does not answer. Try again in a moment."));
