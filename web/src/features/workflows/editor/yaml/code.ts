import { defaultKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, indentOnInput, indentUnit } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import {
  EditorState,
  type Extension,
  RangeSetBuilder,
  StateEffect,
  StateField,
  type Text,
} from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
} from "@codemirror/view";

import { cspNonce } from "@/shared/theme/csp-nonce";

import { LOOKS } from "./theme";

/** A problem with a line, which counts from 1. */
export interface LineProblem {
  line: number;
  message: string;
  severity: "error" | "warning" | "info";
}

const setLines = StateEffect.define<readonly [number, number] | undefined>();

const selectedLines = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (lines, change) => {
    const effect = change.effects.find((one) => one.is(setLines));
    return effect ? marked(change.state.doc, effect.value) : lines.map(change.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

function marked(text: Text, lines: readonly [number, number] | undefined): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  const [from, to] = lines ?? [1, 0];
  for (let line = from; line <= Math.min(to, text.lines); line += 1) {
    const at = text.line(line).from;
    builder.add(at, at, Decoration.line({ class: "cm-selectedStep" }));
  }
  return builder.finish();
}

/** What every view of a text has. */
export function basics(label: string, isReadOnly: boolean): Extension[] {
  return [
    EditorView.cspNonce.of(cspNonce()),
    EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
    EditorState.tabSize.of(2),
    EditorState.readOnly.of(isReadOnly),
    lineNumbers(),
    drawSelection(),
    yaml(),
    LOOKS,
  ];
}

interface Options {
  parent: HTMLElement;
  text: string;
  label: string;
  isReadOnly: boolean;
  onChange: (text: string) => void;
  onLine: (line: number) => void;
}

/** A text that is edited. Undo is the page's own, so that it is one with that of the flow. */
export function createCode({ parent, text, label, isReadOnly, onChange, onLine }: Options): EditorView {
  return new EditorView({
    parent,
    doc: text,
    extensions: [
      basics(label, isReadOnly),
      foldGutter(),
      lintGutter(),
      highlightActiveLine(),
      highlightSelectionMatches(),
      bracketMatching(),
      indentOnInput(),
      indentUnit.of("  "),
      search({ top: false }),
      keymap.of([...searchKeymap, ...defaultKeymap, indentWithTab]),
      selectedLines,
      EditorView.updateListener.of((update) => {
        const isOwn = update.transactions.some(
          (one) => one.isUserEvent("input") || one.isUserEvent("delete") || one.isUserEvent("move"),
        );
        if (update.docChanged && isOwn) onChange(update.state.doc.toString());
        const isMoved = update.transactions.some((one) => one.isUserEvent("select.pointer"));
        if (isMoved) onLine(update.state.doc.lineAt(update.state.selection.main.head).number);
      }),
    ],
  });
}

/** Another text from outside; only what differs is replaced, so that the caret stays. */
export function replaceText(view: EditorView, text: string): void {
  const old = view.state.doc.toString();
  if (old === text) return;
  let from = 0;
  while (from < old.length && from < text.length && old[from] === text[from]) from += 1;
  let behind = 0;
  const most = Math.min(old.length, text.length) - from;
  while (behind < most && old[old.length - 1 - behind] === text[text.length - 1 - behind]) behind += 1;
  view.dispatch({
    changes: { from, to: old.length - behind, insert: text.slice(from, text.length - behind) },
  });
}

export function showProblems(view: EditorView, problems: readonly LineProblem[]): void {
  const { doc } = view.state;
  const found = problems.map(({ line, message, severity }): Diagnostic => {
    const at = doc.line(Math.min(Math.max(1, line), doc.lines));
    const indent = at.text.length - at.text.trimStart().length;
    return { from: Math.min(at.from + indent, at.to), to: at.to, severity, message };
  });
  view.dispatch(setDiagnostics(view.state, found));
}

/** Marks the lines of what is selected, and shows the first of them. */
export function showLines(view: EditorView, lines: readonly [number, number] | undefined): void {
  const isMoved = !view.hasFocus; // who types is not moved
  const effects: StateEffect<unknown>[] = [setLines.of(lines)];
  if (isMoved && lines && lines[0] <= view.state.doc.lines) {
    effects.push(EditorView.scrollIntoView(view.state.doc.line(lines[0]).from, { y: "center" }));
  }
  view.dispatch({ effects });
}
