// The debug console: opens a dialog and loads the records each time.

const dialog = document.getElementById("debug-console");
const button = document.getElementById("debug-console-button");
const body = dialog.querySelector(".console-body");

async function load() {
  body.textContent = "Loading…";
  try {
    const response = await fetch(dialog.dataset.url, { redirect: "error" });
    if (!response.ok) {
      throw new Error(String(response.status));
    }
    body.innerHTML = await response.text(); // escaped by the server
  } catch {
    body.textContent = "The debug console could not be loaded. Are you still signed in?";
  }
}

button.addEventListener("click", () => {
  dialog.showModal();
  button.setAttribute("aria-expanded", "true");
  load();
});
dialog.addEventListener("close", () => {
  button.setAttribute("aria-expanded", "false");
  body.replaceChildren();
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog || event.target.closest("[data-close]")) {
    dialog.close();
  } else if (event.target.closest("[data-refresh]")) {
    load();
  }
});
