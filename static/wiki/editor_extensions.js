// Extensions of django-prose-editor: links to todos drawn as cards, a dialog for other links, and numbered lists by
// typing "1. ".
import {
  Link as ProseLink,
  mergeAttributes,
  Node,
  OrderedList as ProseOrderedList,
  Plugin,
  pm,
  updateAttrsDialog,
  wrappingInputRule,
} from "django-prose-editor/editor";
import { isTodoLink, todoCard } from "./cards.js";

const { Decoration, DecorationSet } = pm.view;
const { Fragment, Slice } = pm.model;

// Where a link begins and ends in a text: as in `wiki/links.py`, which looks again.
const BEFORE = "(?<![A-Za-z0-9/@:=?&#%+.-])";
const PLACE = "https?://[A-Za-z0-9.:-]+/todos/[1-9][0-9]{0,18}";
const REST = "(?:/(?![A-Za-z0-9%-]))?(?:[?#][A-Za-z0-9_.~=%/+&-]{0,500}[A-Za-z0-9=%/+-])?";
const AFTER = "(?=[.,:;!?]*(?:$|[\\s\"'()<>\\[\\]{}*_~|`]|[^\\x00-\\x7f]|[,;|]https?://))";
const IN_TEXT = new RegExp(BEFORE + PLACE + REST + AFTER, "gi");

/** A link to a todo. The page stores the link and its words; the card is only drawn. */
export const TodoCard = Node.create({
  name: "todoCard",
  group: "inline",
  inline: true,
  atom: true,
  priority: 1100, // before Link, which would match the same text

  addOptions() {
    return { origin: "" };
  },

  addAttributes() {
    return {
      href: { default: "" },
      label: { default: "", rendered: false },
    };
  },

  parseHTML() {
    return [
      {
        tag: "a[href]",
        priority: 1100,
        getAttrs(anchor) {
          const href = anchor.getAttribute("href");
          return isTodoLink(href) && { href, label: anchor.textContent || href };
        },
      },
    ];
  },

  renderHTML({ node, HTMLAttributes }) {
    return ["a", mergeAttributes(HTMLAttributes), node.attrs.label || node.attrs.href];
  },

  renderText({ node }) {
    return node.attrs.href;
  },

  addNodeView() {
    return ({ node }) => ({
      dom: todoCard(node.attrs.href, node.attrs.label || node.attrs.href, { target: "_blank" }),
      ignoreMutation: () => true,
    });
  },

  addKeyboardShortcuts() {
    return {
      Enter: ({ editor }) => {
        drawTyped(editor.view);
        return false; // then Enter works as usual
      },
    };
  },

  addProseMirrorPlugins() {
    return [
      new Plugin({
        appendTransaction: (transactions, before, state) => {
          const [transaction] = transactions;
          if (transactions.length > 1 || !transaction.docChanged || transaction.getMeta("history$")) {
            return null;
          }
          const atOnce = state.doc.content.size - before.doc.content.size > 1; // dictated, or completed by the browser
          return typedLink(state, atOnce ? /[.,:;!?)]*$/ : /[.,:;!?)]* $/);
        },
        props: {
          handleDOMEvents: {
            blur: drawTyped,
          },
          transformPasted: (slice, view) => (isCode(view.state.selection.$from) ? slice : withCards(slice, view.state.schema)),
          handlePaste(view, event) {
            const href = event.clipboardData?.getData("text/plain").trim() ?? "";
            const { selection, tr, schema } = view.state;
            if (!isTodoLink(href) || selection.empty || isCode(selection.$from)) {
              return false;
            }
            const transaction =
              linkedSelection(view.state, href) ??
              tr.replaceSelectionWith(schema.nodes.todoCard.create({ href, label: href }), false);
            view.dispatch(transaction.scrollIntoView());
            return true;
          },
          decorations: ({ doc }) => DecorationSet.create(doc, cardsAlone(doc)),
        },
      }),
    ];
  },
});

/** Returns decorations of the cards with nothing beside them. */
function cardsAlone(doc) {
  const found = [];
  doc.descendants((node, position, parent) => {
    if (node.type.name === "todoCard" && parent.childCount === 1) {
      found.push(Decoration.node(position, position + node.nodeSize, { class: "todo-link-alone" }));
    }
  });
  return found;
}

/** Returns a transaction that makes a card of words in one line, which become those of the link; or null. */
function linkedSelection({ selection, doc, schema, tr }, href) {
  const { $from, $to, from, to, empty } = selection;
  if (empty || !$from.sameParent($to) || !$from.parent.inlineContent || isCode($from)) {
    return null;
  }
  const words = doc.textBetween(from, to, " ", (node) => node.attrs.label ?? " ").trim();
  const label = !words || URL.canParse(words) ? href : words;
  return tr.replaceWith(from, to, schema.nodes.todoCard.create({ href, label }));
}

function isCode($position) {
  return $position.parent.type.spec.code || $position.marks().some((mark) => mark.type.spec.code);
}

/** Returns the pasted `slice` with a card for each link in its text, so that the caret ends behind all of it. */
function withCards(slice, schema) {
  const ofFragment = (fragment) => {
    const nodes = [];
    fragment.forEach((node) => nodes.push(...(node.isText ? ofText(node, schema) : [ofNode(node)])));
    return Fragment.fromArray(nodes);
  };
  const ofNode = (node) => (node.type.spec.code ? node : node.copy(ofFragment(node.content)));
  return new Slice(ofFragment(slice.content), slice.openStart, slice.openEnd);
}

/** Returns the text node in pieces: texts and cards. A text that is code or part of another link stays as it is. */
function ofText(node, schema) {
  if (node.marks.some(({ type }) => type.spec.code || type.name === "link")) {
    return [node];
  }
  const pieces = [];
  let done = 0;
  for (const { 0: href, index } of node.text.matchAll(IN_TEXT)) {
    if (!isTodoLink(href)) continue;
    if (index > done) pieces.push(node.cut(done, index));
    pieces.push(schema.nodes.todoCard.create({ href, label: href }));
    done = index + href.length;
  }
  if (done < node.text.length) pieces.push(node.cut(done));
  return pieces;
}

/** Draws the link that ends at the caret, if one does. */
function drawTyped(view) {
  const transaction = typedLink(view.state, /[.,:;!?)]*$/);
  if (transaction) {
    view.dispatch(transaction);
  }
  return false;
}

/** Returns a transaction that makes a card of the link before the caret, if only `after` is between them; or null. */
function typedLink({ selection, schema, tr }, after) {
  const { $from, empty } = selection;
  if (!empty || isCode($from) || !$from.parent.inlineContent) {
    return null;
  }
  const text = $from.parent.textBetween(0, $from.parentOffset, "", "\ufffc");
  const match = new RegExp(`${BEFORE}(${PLACE}${REST})${after.source}`, "i").exec(text);
  if (!match || !isTodoLink(match[1])) {
    return null;
  }
  const href = match[1];
  const start = $from.start() + match.index;
  return tr.replaceWith(start, start + href.length, schema.nodes.todoCard.create({ href, label: href }));
}

/** Links: django-prose-editor's, with a dialog that asks for the address only. */
export const Link = ProseLink.extend({
  addCommands() {
    return {
      ...this.parent?.(),
      addLink:
        () =>
        ({ editor }) => {
          const may = !editor.state.selection.empty || editor.isActive("link");
          if (may) {
            askForAddress(editor);
          }
          return may;
        },
    };
  },
});

async function askForAddress(editor) {
  const words = editor.isActive("link")
    ? { title: "Change the link", submitText: "Change link" }
    : { title: "Add a link", submitText: "Add link" };
  const dialog = updateAttrsDialog({ href: { type: "string", title: "Address" } }, words);
  const answer = await dialog(editor, editor.getAttributes("link"));
  const href = address(answer?.href.trim() ?? "");
  if (!href) {
    return;
  }
  const card = isTodoLink(href) && linkedSelection(editor.state, href);
  if (card) {
    editor.view.dispatch(card);
  } else {
    editor.chain().focus().extendMarkRange("link").setMark("link", { href }).run();
  }
}

/** Returns what was typed as an address that a page may link to, or "" if it is none. */
function address(typed) {
  const href = /^(https?:\/\/|mailto:)/i.test(typed) ? typed : `https://${typed}`;
  return URL.canParse(href) ? href : "";
}

/** Numbered lists: django-prose-editor's without the types of numbers, with the shortcut it leaves out. */
export const OrderedList = ProseOrderedList.extend({
  addAttributes() {
    const { start } = this.parent();
    return { start };
  },

  addInputRules() {
    return [
      wrappingInputRule({
        find: /^(\d+)\.\s$/,
        type: this.type,
        getAttributes: ([, start]) => ({ start: Number(start) }),
        joinPredicate: ([, start], node) => node.childCount + node.attrs.start === Number(start),
      }),
    ];
  },

  addNodeView() {
    return null;
  },
});
