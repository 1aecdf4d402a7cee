/** A text that is not saved, and the version and the draft that it follows. */
export interface Copy {
  text: string;
  /** Of the draft on the host that it follows; "" when there was none. */
  revision: string;
  /** The version that was edited; 0 and "" for a new workflow. */
  number: number;
  digest: string;
  /** Seconds since the epoch. */
  at: number;
}

/** A copy in this browser, under its key. */
export interface LocalCopy extends Copy {
  key: string;
}

const HEAD = "omnicore-draft:";
const headOf = (user: string, draft: string) => `${HEAD}${encodeURIComponent(user)}:${draft}:`;

/** All copies that pages of this browser left of a draft, newest first. */
export function localCopies(storage: Storage | undefined, user: string, draft: string): LocalCopy[] {
  return keysOf(storage, headOf(user, draft))
    .flatMap((key) => copyOf(key, storage?.getItem(key)))
    .sort((a, b) => b.at - a.at);
}

/** Names of drafts of new workflows that this browser has copies of, with their times. */
export function localNewDrafts(storage: Storage | undefined, user: string): { draft: string; at: number }[] {
  return keysOf(storage, headOf(user, "~").slice(0, -1)).flatMap((key) =>
    copyOf(key, storage?.getItem(key)).map(({ at }) => ({ draft: key.split(":")[2] ?? "", at })),
  );
}

/** The copy of one page: written on every edit, taken away once the host has the text. */
export class LocalDraft {
  readonly #storage: Storage | undefined;
  readonly #key: string;

  constructor(storage: Storage | undefined, user: string, draft: string, page = randomName()) {
    this.#storage = storage;
    this.#key = `${headOf(user, draft)}${page}`;
  }

  /** False: the browser refuses to keep it. */
  write(copy: Copy): boolean {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(copy));
      return this.#storage !== undefined;
    } catch {
      return false;
    }
  }

  remove(): void {
    this.#storage?.removeItem(this.#key);
  }
}

/** What this browser keeps across visits; undefined where that is switched off. */
export function browserStorage(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}

/** A name that no other page has, in letters and digits. */
export function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(36).padStart(2, "0")).join("");
}

function keysOf(storage: Storage | undefined, head: string): string[] {
  if (!storage) return [];
  const keys = Array.from({ length: storage.length }, (_, at) => storage.key(at) ?? "");
  return keys.filter((key) => key.startsWith(head));
}

function copyOf(key: string, written: string | null | undefined): LocalCopy[] {
  try {
    const { text, revision, number, digest, at } = JSON.parse(written ?? "") as Partial<Copy>;
    if (typeof text !== "string" || typeof revision !== "string" || typeof digest !== "string") return [];
    return typeof number === "number" && typeof at === "number"
      ? [{ key, text, revision, number, digest, at }]
      : [];
  } catch {
    return []; // another version's, or cut short
  }
}
