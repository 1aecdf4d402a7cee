// Writes dist/licences.txt: what others wrote of the script that browsers load, each with its licence.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const { packages } = JSON.parse(await readFile(`${root}package-lock.json`, "utf8"));
const LICENCE = /^(licen[cs]e|copying|notice)/i;
const parts = [];

for (const [folder, { dev, optional, version, license }] of Object.entries(packages)) {
  if (folder === "" || dev || optional) continue;
  const names = await readdir(`${root}${folder}`).catch(() => []);
  const files = names.filter((name) => LICENCE.test(name)).sort();
  const texts = await Promise.all(
    files.map((name) => readFile(`${root}${folder}/${name}`, "utf8").catch(() => "")),
  );
  const title = `${folder.replace(/^.*node_modules\//, "")} ${version} (${license ?? "see below"})`;
  parts.push([title, ...texts.map((text) => text.trim())].filter(Boolean).join("\n\n"));
}

const head = "The console contains these works of others, unchanged unless said otherwise.";
await writeFile(`${root}dist/licences.txt`, [head, ...parts].join(`\n\n${"-".repeat(78)}\n\n`) + "\n");
console.log(`licences of ${parts.length} packages`);
