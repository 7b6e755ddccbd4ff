// What our editor has beyond django-prose-editor's: links to todos drawn as cards, and numbered lists by typing "1. ".
import {
  mergeAttributes,
  Node,
  nodePasteRule,
  OrderedList as ProseOrderedList,
  Plugin,
  wrappingInputRule,
} from "django-prose-editor/editor";
import { isTodoLink, todoCard } from "./cards.js";

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

/** A link to a todo. The page stores the link and its words; the card is only drawn. */
export const TodoCard = Node.create({
  name: "todoCard",
  group: "inline",
  inline: true,
  atom: true,
  priority: 1100, // before Link, which would take the same text

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

  addPasteRules() {
    const find = new RegExp(`(?<![^\\s(])${escaped(this.options.origin)}/todos/[1-9][0-9]{0,18}(?=[.,:;!?)]*(?:\\s|$))`, "g");
    return [nodePasteRule({ find, type: this.type, getAttributes: ([href]) => ({ href, label: href }) })];
  },

  addKeyboardShortcuts() {
    return {
      Enter: ({ editor }) => {
        drawTyped(editor.view, this.options.origin);
        return false; // and then what Enter does
      },
    };
  },

  addProseMirrorPlugins() {
    const { origin } = this.options;
    return [
      new Plugin({
        appendTransaction: (transactions, before, state) => {
          const [transaction] = transactions;
          if (transactions.length > 1 || !transaction.docChanged || transaction.getMeta("history$")) {
            return null;
          }
          const atOnce = state.doc.content.size - before.doc.content.size > 1; // dictated, or completed by the browser
          return typedLink(state, origin, atOnce ? /[.,:;!?)]*$/ : /[.,:;!?)]* $/);
        },
        props: {
          handleDOMEvents: {
            blur: (view) => drawTyped(view, origin),
          },
        },
      }),
    ];
  },
});

/** Draws the link that ends at the caret, if one does. */
function drawTyped(view, origin) {
  const transaction = typedLink(view.state, origin, /[.,:;!?)]*$/);
  if (transaction) {
    view.dispatch(transaction);
  }
  return false;
}

/** Returns a transaction that makes a card of the link before the caret, if only `after` is between them; or null. */
function typedLink({ selection, schema, tr }, origin, after) {
  const { $from, empty } = selection;
  const isCode = $from.parent.type.spec.code || $from.marks().some((mark) => mark.type.spec.code);
  if (!empty || isCode || !$from.parent.inlineContent) {
    return null;
  }
  const text = $from.parent.textBetween(0, $from.parentOffset, "", "\ufffc");
  const link = `(?:^|[\\s(])(${escaped(origin)}/todos/[1-9][0-9]{0,18})`;
  const match = new RegExp(link + after.source).exec(text);
  if (!match) {
    return null;
  }
  const [whole, href] = match;
  const start = $from.start() + match.index + whole.indexOf(href);
  return tr.replaceWith(start, start + href.length, schema.nodes.todoCard.create({ href, label: href }));
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
