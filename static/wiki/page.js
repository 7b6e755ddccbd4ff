// The read view: every link to a todo becomes a card.
import { isTodoLink, todoCard } from "./cards.js";

for (const anchor of document.querySelectorAll("[data-cards] a[href]")) {
  const href = anchor.getAttribute("href");
  if (isTodoLink(href)) {
    anchor.replaceWith(todoCard(href, anchor.textContent || href));
  }
}
