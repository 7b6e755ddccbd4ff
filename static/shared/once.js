// A double click on a button or on a link that looks like one counts once, also if the second click meets another
// button, which has come to the same place meanwhile. A page that the Back button shows again gets new form keys, so
// that its form creates something new.

document.addEventListener(
  "click",
  (event) => {
    if (event.detail > 1 && event.target.closest("button:not([type=button]), a.button")) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  },
  true,
);

addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const field of document.querySelectorAll("input[name=form_key]")) {
    field.value = crypto.randomUUID?.() ?? "";
  }
});
