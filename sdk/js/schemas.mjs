// The JSON Schemas of the functions that a TypeScript source exports, read from their types. `omnicore build` runs it:
//
//   node schemas.mjs FOLDER ENTRY TYPESCRIPT
//
// TYPESCRIPT is the package's main file. Prints `{"functions": {name: {description, input, output, ...}}}`: sides whose
// type JSON cannot carry are left out, and so are functions with type parameters or several signatures.
import { createRequire } from "node:module";
import path from "node:path";

const DEPTH = 32;
const NUMBERS = new Set(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]);
const COUNTS = new Set(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]);
const WORDS = new Set(["pattern", "format"]);

const [folder, entry, compiler] = process.argv.slice(2);
const ts = createRequire(import.meta.url)(compiler);

class NotJson extends Error {}

function options() {
  const file = path.join(folder, "tsconfig.json");
  const read = ts.sys.fileExists(file) ? ts.readConfigFile(file, ts.sys.readFile).config : {};
  const found = ts.parseJsonConfigFileContent({ ...read, files: [entry] }, ts.sys, folder).options;
  const { Bundler } = ts.ModuleResolutionKind;
  const wanted = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, moduleResolution: Bundler, types: [] };
  return { ...wanted, ...found, noEmit: true, strict: true, strictNullChecks: true, skipLibCheck: true };
}

// The schema of one side of a function, with the definitions of what it names.
class Side {
  constructor(checker) {
    this.checker = checker;
    this.defs = {};
    this.open = [];
    this.named = new Map();
  }

  whole(type) {
    const schema = this.schema(type);
    return Object.keys(this.defs).length > 0 ? { ...schema, $defs: this.defs } : schema;
  }

  schema(type) {
    if (this.open.length > DEPTH) throw new NotJson();
    const flags = type.flags;
    const F = ts.TypeFlags;
    if (flags & (F.Any | F.Unknown)) return {};
    if (flags & F.Null) return { type: "null" };
    if (flags & (F.StringLiteral | F.NumberLiteral)) return { const: type.value };
    if (flags & F.BooleanLiteral) return { const: type.intrinsicName === "true" };
    if (flags & (F.String | F.TemplateLiteral | F.StringMapping)) return { type: "string" };
    if (flags & F.Number) return { type: "number" };
    if (flags & F.Boolean) return { type: "boolean" };
    if (type.isUnion()) return this.union(type.types.filter((one) => !(one.flags & F.Undefined)));
    if (flags & F.Object || type.isIntersection()) return this.object(type);
    throw new NotJson();
  }

  union(types) {
    const isTruth = (one) => one.flags & ts.TypeFlags.BooleanLiteral;
    const rest = types.filter((one) => !isTruth(one));
    const literals = rest.filter((one) => one.isLiteral() && typeof one.value !== "object").map((one) => one.value);
    const found = rest.filter((one) => !one.isLiteral()).map((one) => this.schema(one));
    if (literals.length > 0) found.unshift({ enum: literals });
    const truths = types.filter(isTruth);
    if (truths.length === 2) found.push({ type: "boolean" });
    else if (truths.length === 1) found.push(this.schema(truths[0]));
    return found.length === 1 ? found[0] : { anyOf: found };
  }

  object(type) {
    const { checker } = this;
    if (checker.isTupleType(type)) return this.tuple(type);
    if (checker.isArrayType(type)) {
      return this.inside(type, () => ({ type: "array", items: this.schema(checker.getTypeArguments(type)[0]) }));
    }
    const kinds = ts.SignatureKind;
    const has = (kind) => checker.getSignaturesOfType(type, kind).length > 0;
    if (has(kinds.Call) || has(kinds.Construct)) throw new NotJson();
    const declared = type.symbol?.declarations ?? [];
    // Date, Map, Uint8Array and all else that comes with the language: none is what JSON makes of it.
    if (declared.some((one) => isLibrary(one)) && !type.aliasSymbol && type.symbol.name !== "__type") throw new NotJson();
    if (type.isClass()) throw new NotJson();
    const symbol = type.aliasSymbol ?? (type.symbol?.flags & ts.SymbolFlags.Interface ? type.symbol : undefined);
    const named = symbol !== undefined && !symbol.declarations.some((one) => isLibrary(one));
    return named ? this.reference(type, symbol.name) : this.inside(type, () => this.members(type));
  }

  // A named type stands among the definitions, so that it may hold itself.
  reference(type, wanted) {
    if (!this.named.has(type)) {
      let name = wanted;
      for (let count = 2; Object.hasOwn(this.defs, name); count++) name = `${wanted}${count}`;
      this.named.set(type, name);
      this.defs[name] = {};
      this.defs[name] = this.inside(type, () => this.members(type));
    }
    return { $ref: `#/$defs/${this.named.get(type)}` };
  }

  tuple(type) {
    const kinds = type.target.elementFlags;
    if (kinds.some((kind) => kind !== ts.ElementFlags.Required)) throw new NotJson();
    const items = this.checker.getTypeArguments(type).map((one) => this.schema(one));
    return { type: "array", prefixItems: items, minItems: items.length, maxItems: items.length };
  }

  members(type) {
    const { checker } = this;
    const properties = {};
    const required = [];
    for (const one of checker.getPropertiesOfType(type)) {
      const kind = checker.getTypeOfSymbol(one);
      if (one.name.startsWith("__@")) throw new NotJson(); // a symbol
      properties[one.name] = { ...this.schema(kind), ...this.said(one) };
      if (!(one.flags & ts.SymbolFlags.Optional)) required.push(one.name);
    }
    const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
    const more = index === undefined ? {} : { additionalProperties: this.schema(index.type) };
    const own = Object.keys(properties).length > 0 ? { properties } : {};
    return { type: "object", ...own, ...(required.length > 0 ? { required } : {}), ...more };
  }

  inside(type, make) {
    if (this.open.includes(type)) throw new NotJson(); // it holds itself without a name
    this.open.push(type);
    try {
      return make();
    } finally {
      this.open.pop();
    }
  }

  // What comments say of a member: its description, and bounds such as `@minimum 1`.
  said(symbol) {
    const description = ts.displayPartsToString(symbol.getDocumentationComment(this.checker)).trim();
    const found = description === "" ? {} : { description };
    for (const tag of symbol.getJsDocTags(this.checker)) {
      const text = ts.displayPartsToString(tag.text).trim();
      if (tag.name === "integer") found.type = "integer";
      else if (WORDS.has(tag.name)) found[tag.name] = text;
      else if ((NUMBERS.has(tag.name) || COUNTS.has(tag.name)) && Number.isFinite(Number(text))) {
        found[tag.name] = Number(text);
      }
    }
    return found;
  }
}

const isLibrary = (node) => program.isSourceFileDefaultLibrary(node.getSourceFile());

function side(checker, type, key) {
  const name = type.symbol?.name;
  if (type.flags & ts.TypeFlags.String) return { [key]: { type: "string" }, [`${key}_media`]: "text/plain" };
  if (name === "Uint8Array" && type.symbol.declarations.every((one) => isLibrary(one))) {
    return { [`${key}_media`]: "application/octet-stream" };
  }
  try {
    const schema = new Side(checker).whole(type);
    return Object.keys(schema).length > 0 ? { [key]: schema, [`${key}_media`]: "application/json" } : {};
  } catch (error) {
    if (error instanceof NotJson) return {};
    throw error;
  }
}

function described(checker, symbol) {
  const type = checker.getTypeOfSymbol(symbol);
  const signatures = checker.getSignaturesOfType(type, ts.SignatureKind.Call);
  if (signatures.length !== 1 || signatures[0].typeParameters !== undefined) return null;
  const [signature] = signatures;
  const [first] = signature.getParameters();
  const description = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
  const found = description === "" ? {} : { description };
  if (first !== undefined) {
    const node = first.valueDeclaration;
    const optional = node !== undefined && ts.isParameter(node) && checker.isOptionalParameter(node);
    if (!optional && !node?.dotDotDotToken) Object.assign(found, side(checker, checker.getTypeOfSymbol(first), "input"));
  }
  const result = checker.getAwaitedType(signature.getReturnType());
  const nothing = ts.TypeFlags.Void | ts.TypeFlags.Undefined | ts.TypeFlags.Never;
  if (result !== undefined && !(result.flags & nothing)) Object.assign(found, side(checker, result, "output"));
  return found;
}

const program = ts.createProgram([path.join(folder, entry)], options());
const checker = program.getTypeChecker();
const home = checker.getSymbolAtLocation(program.getSourceFile(path.join(folder, entry)));
const functions = {};
for (const one of home === undefined ? [] : checker.getExportsOfModule(home)) {
  const symbol = one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;
  const name = one.name === "default" && symbol.name !== "default" ? symbol.name : one.name;
  const found = described(checker, symbol);
  if (found !== null) functions[name === "default" ? "execute" : name] = found;
}
process.stdout.write(JSON.stringify({ functions }));
