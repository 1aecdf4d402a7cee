// Compiles the texts with values, which are ICU messages, so that no browser has to load the compiler.
import { compileMessageOrThrow } from "@lingui/message-utils/compileMessage";
import ts from "typescript";

const CATALOGUE = /\/shared\/texts\/[a-z]{2}\/[a-z-]+\.ts$/;

/** The texts with values of a catalogue's source, each with its place. */
function messages(code) {
  const tree = ts.createSourceFile("texts.ts", code, ts.ScriptTarget.Latest, true);
  const found = [];
  const visit = (node) => {
    if (ts.isPropertyAssignment(node) && ts.isStringLiteral(node.name) && node.name.text.endsWith(")"))
      found.push(node.initializer);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** The plugin of the build, of the development server and of the tests. */
export function compileTexts() {
  return {
    name: "compile-texts",
    enforce: "pre",
    transform(code, id) {
      if (!CATALOGUE.test(id)) return null;
      let compiled = code;
      for (const text of messages(code).reverse()) {
        const tokens = JSON.stringify(compileMessageOrThrow(text.text));
        compiled = compiled.slice(0, text.getStart()) + tokens + compiled.slice(text.end);
      }
      return { code: compiled, map: null };
    },
  };
}
