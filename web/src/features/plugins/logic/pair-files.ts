/** A module with the manifest beside it. */
export interface Pair {
  file: File;
  manifest?: File | undefined;
}

export interface Paired {
  pairs: Pair[];
  /** Manifests of which there is no module. */
  lone: File[];
  /** What is no part of a plugin. */
  foreign: File[];
}

const MODULE = /\.(wasm|wat)$/i;
const MANIFEST = /\.toml$/i;
const stem = (file: File) => file.name.replace(/\.[^.]*$/, "").toLowerCase();

/** Puts each NAME.toml to its NAME.wasm or NAME.wat. One manifest and one module belong together whatever they are called. */
export function pairFiles(files: readonly File[]): Paired {
  const modules = files.filter((file) => MODULE.test(file.name));
  const manifests = files.filter((file) => MANIFEST.test(file.name));
  const foreign = files.filter((file) => !MODULE.test(file.name) && !MANIFEST.test(file.name));
  if (modules.length === 1 && manifests.length === 1 && modules[0]) {
    return { pairs: [{ file: modules[0], manifest: manifests[0] }], lone: [], foreign };
  }
  const left = new Map(manifests.map((file) => [stem(file), file]));
  const pairs = modules.map((file) => {
    const manifest = left.get(stem(file));
    left.delete(stem(file));
    return { file, ...(manifest && { manifest }) };
  });
  return { pairs, lone: [...left.values()], foreign };
}
