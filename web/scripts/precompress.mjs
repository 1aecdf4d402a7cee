// Puts a .br and a .gz beside every file of dist that gets smaller by it, so that the host never compresses.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const worth = /\.(js|css|svg|json|txt|map|wasm)$/; // not .html: it is different for each visit

for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (!entry.isFile() || !worth.test(entry.name)) continue;
  const data = await readFile(path);
  const packed = {
    br: brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: data.length } }),
    gz: gzipSync(data, { level: 9 }),
  };
  for (const [ending, bytes] of Object.entries(packed)) {
    if (bytes.length < data.length) await writeFile(`${path}.${ending}`, bytes);
  }
}
