import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const LOOK = EditorView.theme({
  "&": { height: "100%", fontSize: "12.5px", backgroundColor: "var(--oc-surface)", color: "var(--oc-text)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", "Liberation Mono", Menlo, monospace',
    lineHeight: "1.6",
  },
  ".cm-content": { caretColor: "var(--oc-text)" },
  ".cm-cursor": { borderLeftColor: "var(--oc-text)" },
  ".cm-gutters": { backgroundColor: "var(--oc-surface)", color: "var(--oc-muted)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": {
    backgroundColor: "color-mix(in srgb, var(--oc-accent) 7%, transparent)",
  },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--oc-accent) 30%, transparent)",
  },
  ".cm-selectedStep": { backgroundColor: "var(--oc-accent-soft)" },
  ".cm-panels": { backgroundColor: "var(--oc-raised)", color: "var(--oc-text)" },
  ".cm-panels-bottom": { borderTop: "1px solid var(--oc-line)" },
  ".cm-textfield": { backgroundColor: "var(--oc-surface)", border: "1px solid var(--oc-line)" },
  ".cm-button": {
    backgroundImage: "none",
    backgroundColor: "var(--oc-surface)",
    border: "1px solid var(--oc-line)",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--oc-raised)",
    border: "1px solid var(--oc-line)",
    color: "var(--oc-text)",
  },
  ".cm-insertedLine, .cm-deletedLine": { textDecoration: "none" },
  ".cm-changedText": { background: "none !important", textDecoration: "underline", fontWeight: "700" },
  "&.cm-merge-a .cm-changedLine, .cm-deletedChunk": { backgroundColor: "var(--oc-bad-soft) !important" },
  "&.cm-merge-b .cm-changedLine": { backgroundColor: "var(--oc-good-soft) !important" },
  ".cm-collapsedLines::before, .cm-collapsedLines::after": { content: '""' },
  ".cm-collapsedLines": { color: "var(--oc-muted)", background: "var(--oc-canvas) !important" },
});

const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--oc-link)" },
  { tag: [tags.string, tags.content], color: "var(--oc-good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--oc-warn)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--oc-muted)", fontStyle: "italic" },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: "var(--oc-muted)" },
]);

/** The looks of a text, in the console's own colours. */
export const LOOKS = [LOOK, syntaxHighlighting(COLOURS)];
