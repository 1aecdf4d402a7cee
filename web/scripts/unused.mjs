// Fails for texts that nothing shows, for exports that no other file imports and for classes that nothing has.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import ts from "typescript";

const source = fileURLToPath(new URL("../src", import.meta.url));
// Loaded by name at runtime: the pages, by app/router.tsx.
const loaded = new Set(["Component"]);

const all = await readdir(source, { recursive: true, withFileTypes: true });
const files = all
  .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && entry.name !== "schema.d.ts")
  .map((entry) => join(entry.parentPath, entry.name));
const names = new Map(); // file -> how often each name stands in it
const exported = [];
const texts = [];

const isExported = (node) => node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
const isType = (node) => ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node);
const declared = (node) => (node.declarationList?.declarations ?? [node]).map(({ name }) => name);

/** Whether code names it: what is in quotes is looked up, but for texts with values, `rows(count: number)`. */
const isNamed = (name) => ts.isIdentifier(name) || (ts.isStringLiteral(name) && name.text.endsWith(")"));

/** The names that a binding gives, one or a pattern's. */
const bound = (name) =>
  ts.isIdentifier(name) ? [name.text] : name.elements.flatMap((one) => bound(one.name));

for (const file of files) {
  const tree = ts.createSourceFile(file, await readFile(file, "utf8"), ts.ScriptTarget.Latest, true);
  const seen = new Map();
  const isText = file.includes("/shared/texts/en/"); // other languages have the same names
  const visit = (node) => {
    if (ts.isIdentifier(node) || ts.isStringLiteral(node))
      seen.set(node.text, (seen.get(node.text) ?? 0) + 1);
    if (isText && ts.isPropertyAssignment(node) && isNamed(node.name)) texts.push([file, node]);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  names.set(file, seen);
  for (const node of tree.statements.filter((one) => isExported(one) && !isType(one))) {
    for (const name of declared(node).filter(Boolean).flatMap(bound)) exported.push([file, name]);
  }
}

const styles = [];
for (const entry of all.filter(({ name }) => name.endsWith(".module.css"))) {
  const file = join(entry.parentPath, entry.name);
  const text = (await readFile(file, "utf8")).replace(/:global\([^)]*\)|\{[^}]*\}|\/\*[^]*?\*\//g, "");
  for (const [, name] of text.matchAll(/\.([a-zA-Z][\w-]*)/g)) styles.push([file, name]);
}

const says = (file, name) => `${file.slice(source.length + 1)}: ${name}`;
const elsewhere = (file, name) => files.some((other) => other !== file && names.get(other).has(name));
/** The name that pages use of a text: `rows` of `rows(count: number)`. */
const called = ({ name }) => name.text.split("(")[0];
const isShown = (name) => files.some((file) => !file.includes("/shared/texts/") && names.get(file).has(name));

/** Whether its name is one of the host's, looked up in a table: `{...} as Record<string, string>`. */
function isLookedUp(node) {
  for (let at = node.parent; at; at = at.parent) if (ts.isAsExpression(at)) return true;
  return false;
}

const unused = [
  ...exported.filter(([file, name]) => !loaded.has(name) && !elsewhere(file, name)),
  ...texts
    .filter(([, node]) => !isShown(called(node)) && !isLookedUp(node))
    .map(([file, node]) => [file, called(node)]),
  ...styles.filter(([file, name]) => !isShown(name) && !elsewhere(file, name)),
].map(([file, name]) => says(file, name));
if (unused.length > 0) {
  console.error(`Nothing uses these:\n  ${[...new Set(unused)].join("\n  ")}`);
  process.exit(1);
}
