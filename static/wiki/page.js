// The read view: every link to a todo becomes a card.
import { isTodoLink, todoCard } from "./cards.js";

for (const anchor of document.querySelectorAll("[data-cards] a[href]")) {
  const href = anchor.getAttribute("href");
  if (isTodoLink(href)) {
    const card = todoCard(href, anchor.textContent || href);
    const block = anchor.closest("p, li, h1, h2, h3, blockquote");
    card.classList.toggle("todo-link-alone", block?.textContent.trim() === anchor.textContent.trim());
    anchor.replaceWith(card);
  }
}
