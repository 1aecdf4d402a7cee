// Writes src/shared/api/schema.d.ts from specs/openapi.json; with --check it only tells whether that is up to date.
import { readFile, writeFile } from "node:fs/promises";

import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../specs/openapi.json", import.meta.url);
const target = new URL("../src/shared/api/schema.d.ts", import.meta.url);

const head = "// Written by `npm run generate` from specs/openapi.json.\n\n";
const text = head + astToString(await openapiTS(source, { alphabetize: true }));

if (process.argv.includes("--check")) {
  const stored = await readFile(target, "utf8").catch(() => "");
  if (stored !== text) {
    console.error("src/shared/api/schema.d.ts is not what specs/openapi.json says: run `npm run generate`.");
    process.exit(1);
  }
} else {
  await writeFile(target, text);
  console.log(`schema.d.ts: ${text.split("\n").length} lines`);
}
