// The edit view: saves automatically, shows its state, and warns before unsaved text is lost.
import { connectToolbar } from "./toolbar.js";

const SAVE_AFTER_MS = 700;
const RETRY_AFTER_MS = 3000;
const LONGEST_RETRY_MS = 60_000;

const form = document.getElementById("page-editor");
const { title, content, version } = form.elements;
const state = document.getElementById("save-state");
const problem = document.getElementById("save-problem");
const [problemText, problemActions] = problem.children;

let timer = 0;
let saving = null; // the running request
let dirty = false;
let unanswered = null; // the body of a save without an answer: the server may have stored it
let conflict = null; // the version that another request has stored

function say(text, kind = "") {
  state.textContent = text;
  state.dataset.kind = kind;
}

function complain(text, { actions = false } = {}) {
  say("Not saved", "error");
  problemText.textContent = text;
  problemActions.hidden = !actions;
  problem.hidden = false;
}

function changed() {
  dirty = true;
  if (conflict === null) {
    say("Not saved yet");
    schedule(SAVE_AFTER_MS);
  }
}

function schedule(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(save, milliseconds);
}

/** Saves what is not saved yet; resolves to whether everything is saved. One request at a time. */
async function save() {
  clearTimeout(timer);
  if (saving) {
    await saving;
  }
  if ((dirty || unanswered) && conflict === null) {
    saving = put();
    await saving;
    saving = null;
  }
  return !dirty && !unanswered;
}

/** Sends the text; or first, unchanged, the one that had no answer. Its change has a name, so it is stored once. */
async function put() {
  dirty = unanswered !== null; // what was typed since is saved next
  unanswered ??= body();
  say("Saving…");
  try {
    let response = await send();
    if (response.status === 403 && (await renewToken())) {
      response = await send();
    }
    if (response.status >= 500 || response.status === 429) {
      retry("Wiki0 could not save this now.", Number(response.headers.get("Retry-After")) * 1000);
    } else {
      const answer = await response.json();
      unanswered = null;
      (response.ok ? saved : refused)(answer, response.status);
    }
  } catch {
    retry("Wiki0 does not answer.");
  }
}

function retry(text, milliseconds) {
  complain(`${text} Your text is still here; Wiki0 retries automatically.`);
  schedule(Math.min(milliseconds || RETRY_AFTER_MS, LONGEST_RETRY_MS));
}

function body() {
  return JSON.stringify({
    title: title.value.trim() || "Untitled",
    content: content.value,
    version: Number(version.value),
    change: crypto.getRandomValues(new Uint32Array(4)).join("-"),
  });
}

function send() {
  return fetch(form.dataset.saveUrl, {
    method: "PUT",
    headers: { "Content-Type": "application/json", "X-CSRFToken": form.dataset.csrfToken },
    body: unanswered,
  });
}

/** Gets the CSRF token of the session there is now: signing in again, in another tab, brings a new one. */
async function renewToken() {
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  const token = page.getElementById(form.id)?.dataset.csrfToken;
  form.dataset.csrfToken = token ?? form.dataset.csrfToken;
  return Boolean(token);
}

function saved(answer) {
  version.value = answer.version;
  document.title = `Edit ${answer.title} – Wiki0`;
  problem.hidden = true;
  if (dirty) {
    schedule(SAVE_AFTER_MS);
  } else {
    say("Saved", "success");
  }
}

function refused(answer, status) {
  dirty = true;
  if (status === 409) {
    conflict = answer.version;
    complain("Another tab or window has changed this page. Your text is still here, but not saved.", {
      actions: true,
    });
  } else if (status === 401 || status === 403) {
    complain("You are no longer signed in. Your text is still here: sign in again in another tab, then come back.");
  } else if (status === 404) {
    complain("This page was deleted, or you are signed in as another user. Copy your text if you need it.");
  } else {
    complain(`Wiki0 could not save this: ${answer.error_description ?? status}`);
  }
}

function connect(editor) {
  const area = editor.view.dom;
  area.setAttribute("role", "textbox");
  area.setAttribute("aria-multiline", "true");
  area.setAttribute("aria-label", "Text");
  document.querySelector(`label[for="${content.id}"]`).addEventListener("click", () => editor.commands.focus());
  connectToolbar(form.querySelector(".toolbar"), editor);
}

for (const field of [title, content]) {
  field.addEventListener("input", changed);
}
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await save()) {
    location.assign(form.dataset.pageUrl);
  }
});
document.getElementById("keep-mine").addEventListener("click", () => {
  version.value = conflict;
  conflict = null;
  dirty = true;
  save();
});
document.getElementById("discard-mine").addEventListener("click", () => {
  dirty = false;
  location.reload();
});
form.addEventListener("paste", ({ clipboardData }) => {
  const html = new DOMParser().parseFromString(clipboardData.getData("text/html"), "text/html");
  const words = clipboardData.getData("text/plain") + html.body.textContent;
  if (clipboardData.files.length && !words.trim()) {
    say("A page holds no pictures or files: nothing was pasted.", "error");
  }
});
addEventListener("beforeunload", (event) => {
  if (dirty || saving || unanswered) {
    event.preventDefault();
  }
});
document.addEventListener("visibilitychange", save);

const ready = form.querySelector(".ProseMirror")?.editor;
if (ready) {
  connect(ready);
} else {
  form.addEventListener("prose-editor:ready", (event) => connect(event.detail.editor));
}
