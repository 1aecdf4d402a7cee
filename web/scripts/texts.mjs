// Fails for a text that a language lacks or has too much, for values that are others than the name of a text says, and
// for a page that names texts which are not loaded with it.
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { compileMessageOrThrow } from "@lingui/message-utils/compileMessage";
import ts from "typescript";

const source = fileURLToPath(new URL("../src", import.meta.url));
const catalogues = join(source, "shared/texts");
const problems = [];

const parse = async (file) =>
  ts.createSourceFile(file, await readFile(file, "utf8"), ts.ScriptTarget.Latest, true);

/** The texts of a file by their place: `home.figures.calls`. */
async function textsOf(file) {
  const found = new Map();
  const visit = (node, place) => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) found.set(place, node.text);
    else if (ts.isAsExpression(node)) visit(node.expression, place);
    else if (ts.isArrayLiteralExpression(node))
      node.elements.forEach((one, at) => visit(one, `${place}[${at}]`));
    else if (ts.isObjectLiteralExpression(node))
      for (const one of node.properties)
        if (ts.isPropertyAssignment(one)) visit(one.initializer, `${place}.${one.name.text}`);
  };
  for (const statement of (await parse(file)).statements)
    for (const one of statement.declarationList?.declarations ?? []) visit(one.initializer, one.name.text);
  return found;
}

/** The values of a compiled message, each with how it is shown. */
function valuesOf(tokens, found = new Map()) {
  for (const token of tokens.filter(Array.isArray)) {
    const [name, kind, cases] = token;
    found.set(name, kind === "plural" || kind === "number" ? "number" : (found.get(name) ?? "text"));
    if (kind === "plural")
      for (const one of Object.values(cases)) if (Array.isArray(one)) valuesOf(one, found);
  }
  return found;
}

/** What is wrong with a text, given its name: `rows(count: number)` has one value, which is a number. */
function wrong(place, text) {
  if (text.trim() === "") return /\.next$/.test(place) ? undefined : "is empty";
  const said = /\(([^()]*)\)$/.exec(place)?.[1];
  if (said === undefined) return undefined;
  let has;
  try {
    has = valuesOf(compileMessageOrThrow(text));
  } catch (error) {
    return `is no ICU message: ${error.message.split("\n")[0]}`;
  }
  const wanted = new Map(said.split(", ").map((one) => one.split(": ")));
  const lacks = [...wanted.keys()].filter((name) => !has.has(name));
  const strange = [...has.keys()].filter((name) => !wanted.has(name));
  const mistaken = [...has].filter(([name, kind]) => kind === "number" && wanted.get(name) !== "number");
  if (lacks.length > 0) return `lacks {${lacks.join("}, {")}}`;
  if (strange.length > 0) return `has {${strange.join("}, {")}}, which its name does not say`;
  return mistaken.length > 0 ? `counts {${mistaken[0][0]}}, which is no number` : undefined;
}

async function compare(language, name) {
  const english = await textsOf(join(catalogues, "en", name));
  const file = join(catalogues, language, name);
  const translated = existsSync(file) ? await textsOf(file) : new Map();
  const says = (place, what) => problems.push(`shared/texts/${language}/${name}: ${place} ${what}`);
  for (const place of english.keys()) if (!translated.has(place)) says(place, "is missing");
  for (const [place, text] of translated) {
    const what = english.has(place) ? wrong(place, text) : "is not in en";
    if (what) says(place, what);
  }
}

const languages = (await readdir(catalogues, { withFileTypes: true }))
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
for (const language of languages) {
  const names = new Set([
    ...(await readdir(join(catalogues, "en"))),
    ...(await readdir(join(catalogues, language))),
  ]);
  for (const name of names) await compare(language, name);
}

// Who names which texts: from a page along its imports.
const AREAS = { common: "frame", problems: "frame", session: "frame", shell: "frame" };
const known = new Map();

function fileOf(specifier, from) {
  const base = specifier.startsWith("@/") ? join(source, specifier.slice(2)) : join(dirname(from), specifier);
  return [`${base}.tsx`, `${base}.ts`, join(base, "index.ts")].find((one) => existsSync(one));
}

async function read(file) {
  if (known.has(file)) return known.get(file);
  const nouns = new Set();
  const imports = new Set();
  const visit = (node) => {
    if (ts.isPropertyAccessExpression(node) && node.expression.getText() === "texts")
      nouns.add(node.name.text);
    if (
      ts.isVariableDeclaration(node) &&
      node.initializer?.getText() === "texts" &&
      !ts.isIdentifier(node.name)
    )
      for (const one of node.name.elements) nouns.add((one.propertyName ?? one.name).text);
    const isImport = ts.isImportDeclaration(node) && !node.importClause?.isTypeOnly;
    const specifier = isImport
      ? node.moduleSpecifier
      : ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : undefined;
    if (specifier && ts.isStringLiteral(specifier)) imports.add(specifier.text);
    if (!ts.isTypeNode(node)) ts.forEachChild(node, visit);
  };
  visit(await parse(file));
  if (!imports.has("@/shared/texts")) nouns.clear();
  const files = [...imports].map((one) => fileOf(one, file)).filter(Boolean);
  known.set(file, { nouns, files });
  return known.get(file);
}

async function nounsOf(file, seen = new Set()) {
  if (seen.has(file) || file.startsWith(catalogues)) return new Set();
  seen.add(file);
  const { nouns, files } = await read(file);
  const all = new Set(nouns);
  for (const one of files) for (const noun of await nounsOf(one, seen)) all.add(noun);
  return all;
}

const router = join(source, "app/router.tsx");
const pages = [];
const collect = (node) => {
  if (ts.isCallExpression(node) && node.expression.getText() === "page") {
    const [load, ...areas] = node.arguments;
    pages.push([/"(.*)"/.exec(load.getText())[1], areas.map((one) => one.text)]);
    return;
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    pages.push([node.arguments[0].text, []]);
  ts.forEachChild(node, collect);
};
collect(await parse(router));
// The console itself has the frame alone; its imports of pages are in router.tsx, which is not followed.
known.set(router, { nouns: new Set(), files: [] });
pages.push(["@/app/start", []]);
for (const [specifier, areas] of pages) {
  const needed = new Set([...(await nounsOf(fileOf(specifier, router)))].map((noun) => AREAS[noun] ?? noun));
  needed.delete("frame");
  for (const area of needed)
    if (!areas.includes(area)) problems.push(`${specifier} names texts of ${area}: add it in app/router.tsx`);
  for (const area of areas)
    if (!needed.has(area))
      problems.push(`${specifier} names no texts of ${area}: take it out of app/router.tsx`);
}

if (problems.length > 0) {
  console.error(`Texts:\n  ${[...new Set(problems)].join("\n  ")}`);
  process.exit(1);
}
