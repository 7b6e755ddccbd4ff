// Draws links to todos as cards. The content comes from Wiki0's API, for the current person, and is inserted as text only.

const config = document.querySelector("[data-cards]").dataset;
const icon = new URL("./todo0.svg", import.meta.url).href;
const LINK = /^(https?:\/\/[A-Za-z0-9.:-]+)\/todos\/[1-9][0-9]{0,18}\/?(?:\?[!-"$-~]*)?(?:#[!-~]*)?$/i;
const LARGEST_BATCH = 100;
const REFERENCE_LENGTH = 8;
const NO_ANSWER = { code: "no_answer", text: "Wiki0 does not answer" };
const FAILED = { code: "no_answer", text: "Wiki0 failed" };
const SIGN_IN_AGAIN = { code: "sign_in_again", text: "Sign in again to see this" };
const TOO_MANY = { code: "no_answer", text: "Too many requests: try again in a minute" };
const REFUSALS = { 401: SIGN_IN_AGAIN, 403: SIGN_IN_AGAIN, 429: TOO_MANY };

let waiting = new Map();
const drawn = new Map(); // the cards of this view; moving one within the editor sends no request

/** Says whether `url` looks like a link to a todo. The server looks again, and its answer counts. */
export function isTodoLink(url) {
  const origin = LINK.exec(url)?.[1];
  return origin?.toLowerCase() === config.todoOrigin.toLowerCase() && url.startsWith("/todos/", origin.length);
}

/** Returns an element that shows the todo behind `href`: first a skeleton, then a card, or the plain link with a reason. */
export function todoCard(href, label, { target = "" } = {}) {
  const element = document.createElement("span");
  element.className = "todo-link";
  show(element, skeleton());
  result(href).then(({ card, reason }) => show(element, ...(card ? [chip(card)] : plain(reason))));
  return element;

  function show(parent, ...children) {
    parent.replaceChildren(...children);
    parent.toggleAttribute("aria-busy", children[0].matches(".todo-card-loading"));
  }

  function link(className, ...children) {
    const anchor = make("a", className, ...children);
    Object.assign(anchor, { href, target, rel: "noopener noreferrer nofollow" });
    return anchor;
  }

  function skeleton() {
    const bar = make("span", "todo-card-bar");
    return link("todo-card todo-card-loading", image(), bar, make("span", "visually-hidden", label));
  }

  function chip(card) {
    const done = card.status === "Completed";
    return link(
      "todo-card",
      image(),
      make("span", "todo-card-app", `${card.app} `),
      make("bdi", done ? "todo-card-title todo-card-title-done" : "todo-card-title", card.title),
      " ",
      make("span", done ? "badge badge-done" : "badge badge-open", card.status),
    );
  }

  function plain(reason) {
    const text = reason.code === "sign_in_again" ? signInLink(reason.text) : reason.text;
    return [link("", label), " ", make("small", "todo-reason", text, ...referenceTo(reason))];
  }
}

/** Resolves to {card, reason} for `url`. All links that one script asks for, one after the other, go in one request. */
function result(url) {
  if (drawn.has(url)) {
    return Promise.resolve(drawn.get(url));
  }
  if (!waiting.size) {
    setTimeout(flush);
  }
  if (!waiting.has(url)) {
    let resolve;
    const promise = new Promise((done) => {
      resolve = done;
    });
    waiting.set(url, { promise, resolve });
  }
  return waiting.get(url).promise;
}

function flush() {
  const entries = [...waiting];
  waiting = new Map();
  while (entries.length) {
    const batch = entries.splice(0, LARGEST_BATCH);
    fetchCards(batch.map(([url]) => url)).then((results) => {
      for (const [url, { resolve }] of batch) {
        const result = results(url);
        if (result.card) {
          drawn.set(url, result);
        }
        resolve(result);
      }
    });
  }
}

async function fetchCards(urls) {
  try {
    const response = await fetch(config.unfurlUrl, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": config.csrfToken },
      body: JSON.stringify({ urls }),
    });
    if (!response.ok) {
      return () => withoutCard(REFUSALS[response.status] ?? FAILED, response);
    }
    const { cards } = await response.json();
    const found = new Map(cards.map((card) => [card.url, card]));
    return (url) => found.get(url) ?? withoutCard(FAILED, response);
  } catch {
    return () => ({ card: null, reason: NO_ANSWER });
  }
}

/** The reference is the beginning of the request's id, as on the error pages. */
function withoutCard(reason, response) {
  const reference = (response.headers.get("X-Request-ID") ?? "").slice(0, REFERENCE_LENGTH);
  return { card: null, reason: { ...reason, reference } };
}

/** Returns the reference of a failure, visible once in a page: all links of a page usually have the same. */
function referenceTo({ reference }) {
  if (!reference) {
    return [];
  }
  const element = make("span", "todo-reference", ` · Reference ${reference}`);
  element.dataset.reference = reference;
  element.hidden = document.querySelector(`.todo-reference[data-reference="${CSS.escape(reference)}"]`) !== null;
  return [element];
}

function signInLink(text) {
  const anchor = make("a", "", text);
  anchor.href = `${config.signInUrl}?next=${encodeURIComponent(location.pathname)}`;
  return anchor;
}

function image() {
  return Object.assign(make("img", ""), { src: icon, alt: "", width: 20, height: 20 });
}

function make(name, className, ...children) {
  const element = document.createElement(name);
  if (className) {
    element.className = className;
  }
  element.append(...children);
  return element;
}
