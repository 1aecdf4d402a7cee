// Fails for styles that name a side. Start and end are mirrored with the language, left and right are not.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../src", import.meta.url));
const SIDED =
  /^\s*(?:(?:margin|padding|border|inset|scroll-margin|scroll-padding)-(?:left|right)\b|(?:left|right)\s*:|border-(?:top|bottom)-(?:left|right)-radius|(?:text-align|float|clear)\s*:\s*(?:left|right)\b)/;
// `padding: 1px 2px 3px 4px` names four sides.
const FOUR = /^\s*(?:margin|padding|inset|border-radius)\s*:\s*([^;]+);/;
const SCRIPTED =
  /\b(?:(?:margin|padding|border|inset)(?:Left|Right)\b|(?:left|right): [`"\d-]|textAlign: "(?:left|right)")/;

/** Whether the second and the last of four lengths differ: then the sides do. */
function isUneven(lengths) {
  const parts = lengths.match(/[\w.%-]+\((?:[^()]|\([^()]*\))*\)|\S+/g) ?? [];
  return parts.length === 4 && parts[1] !== parts[3];
}

const problems = [];
for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
  const isStyle = entry.name.endsWith(".css");
  if (!entry.isFile() || !(isStyle || entry.name.endsWith(".tsx")) || entry.name.includes(".test.")) continue;
  const file = join(entry.parentPath, entry.name);
  const lines = (await readFile(file, "utf8")).split("\n");
  lines.forEach((line, at) => {
    const four = isStyle ? FOUR.exec(line) : null;
    const isWrong = isStyle ? SIDED.test(line) || (four && isUneven(four[1])) : SCRIPTED.test(line);
    if (isWrong) problems.push(`${file.slice(source.length + 1)}:${at + 1}: ${line.trim()}`);
  });
}
if (problems.length > 0) {
  console.error(`These name a side; write start and end (margin-inline-start):\n  ${problems.join("\n  ")}`);
  process.exit(1);
}
