// Adds up the compressed script that a page loads first, and fails over the budget.
import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const BUDGET_KB = 250;
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const manifest = JSON.parse(await readFile(`${dist}manifest.json`, "utf8"));

/** The files of a chunk and of all that it imports at once. */
function files(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const other of manifest[key].imports ?? []) files(other, seen);
  return seen;
}

const size = async (file) => (await stat(`${dist}${file}.br`).catch(() => stat(`${dist}${file}`))).size;

async function kilobytes(keys) {
  const scripts = [...new Set(keys.map((key) => manifest[key].file))];
  const sizes = await Promise.all(scripts.map(size));
  return sizes.reduce((sum, one) => sum + one, 0) / 1000;
}

// What every page loads, in the language with the longest texts.
const frame = ["src/app/start.tsx", "src/shared/texts/de/frame.ts", "node_modules/antd/es/locale/de_DE.js"];
// What a page loads at once beside it: its texts, its own chunk, and the chart of the first page.
const pages = {
  login: ["src/features/session/login.ts"],
  home: ["src/shared/texts/de/home.ts", "src/features/home/index.ts", "src/shared/ui/line-chart/plot.ts"],
};

let over = false;
for (const [page, extra] of Object.entries(pages)) {
  const keys = new Set();
  for (const root of ["index.html", ...frame, ...extra]) {
    if (!manifest[root]) throw new Error(`the build has no ${root}; correct scripts/budget.mjs`);
    files(root, keys);
  }
  const kb = await kilobytes([...keys]);
  over ||= kb > BUDGET_KB;
  console.log(`${page.padEnd(8)} ${kb.toFixed(1).padStart(7)} KB of ${BUDGET_KB} KB script, compressed`);
}
const rest = Object.keys(manifest).filter((key) => manifest[key].file.endsWith(".js"));
console.log(
  `${"all".padEnd(8)} ${(await kilobytes(rest)).toFixed(1).padStart(7)} KB in ${rest.length} scripts`,
);
if (over) {
  console.error("The first load is over its budget: load lazily what it does not show at once.");
  process.exit(1);
}
