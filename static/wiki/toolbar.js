// The editor's toolbar: buttons with aria-pressed. Arrow keys move within it (ARIA: toolbar pattern).

const heading = (level) => ({
  run: (chain) => chain.toggleHeading({ level }),
  active: (editor) => editor.isActive("heading", { level }),
});
const toggle = (name, run) => ({ run, active: (editor) => editor.isActive(name) });

const COMMANDS = {
  heading1: heading(1),
  heading2: heading(2),
  heading3: heading(3),
  bold: toggle("bold", (chain) => chain.toggleBold()),
  italic: toggle("italic", (chain) => chain.toggleItalic()),
  strike: toggle("strike", (chain) => chain.toggleStrike()),
  code: toggle("code", (chain) => chain.toggleCode()),
  bulletList: toggle("bulletList", (chain) => chain.toggleBulletList()),
  orderedList: toggle("orderedList", (chain) => chain.toggleOrderedList()),
  blockquote: toggle("blockquote", (chain) => chain.toggleBlockquote()),
  codeBlock: toggle("codeBlock", (chain) => chain.toggleCodeBlock()),
  rule: { run: (chain) => chain.setHorizontalRule() },
  undo: { run: (chain) => chain.undo(), enabled: (editor) => editor.can().undo() },
  redo: { run: (chain) => chain.redo(), enabled: (editor) => editor.can().redo() },
  link: {
    run: (chain, editor) => (editor.isActive("link") ? chain.unsetLink() : chain.addLink()),
    active: (editor) => editor.isActive("link"),
    enabled: (editor) => !editor.state.selection.empty || editor.isActive("link"),
  },
};

/** Makes the buttons of `toolbar` work on `editor`. */
export function connectToolbar(toolbar, editor) {
  const buttons = [...toolbar.querySelectorAll("button[data-command]")];

  function update() {
    for (const button of buttons) {
      const { active, enabled } = COMMANDS[button.dataset.command];
      if (active) {
        button.setAttribute("aria-pressed", String(active(editor)));
      }
      button.setAttribute("aria-disabled", String(Boolean(enabled && !enabled(editor))));
    }
  }

  function focusable(button) {
    for (const other of buttons) {
      other.tabIndex = other === button ? 0 : -1;
    }
  }

  toolbar.addEventListener("mousedown", (event) => event.preventDefault()); // keeps the selection
  toolbar.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-command]");
    if (button && button.getAttribute("aria-disabled") !== "true") {
      COMMANDS[button.dataset.command].run(editor.chain().focus(), editor).run();
    }
  });
  toolbar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const next = buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length];
      focusable(next);
      next.focus();
    }
  });
  editor.on("transaction", update);
  focusable(buttons[0]);
  update();
  toolbar.hidden = false;
}
