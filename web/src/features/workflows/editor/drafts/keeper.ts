import type { Copy, LocalDraft } from "./local-drafts";
import type { Rival } from "./opened";

/** Where the newest text is kept: nowhere yet, with the host, only in this browser, or nowhere. */
export type KeptState = "none" | "host" | "browser" | "nowhere";

export interface Kept {
  state: KeptState;
  /** Another text of the same draft; until one of them is chosen the host keeps that one. */
  rival: Rival | undefined;
}

/** What came of handing a draft to the host. */
export type Answer =
  | { kind: "kept"; revision: string }
  /** Another window changed it; undefined: and discarded it since. */
  | { kind: "other"; rival: Rival | undefined }
  | { kind: "failed" };

interface Parts {
  local: LocalDraft;
  put: (copy: Copy) => Promise<Answer>;
  discard: (revision: string) => Promise<void>;
  /** Another page's copy in this browser is not needed any more. */
  drop: (key: string) => void;
  onChange: (kept: Kept) => void;
  now?: () => number;
}

const PAUSE_MS = 600; // with the request, the host has an edit within a second
const AGAIN_MS = 4000;

/** Keeps the newest text in the browser at once and with the host soon after. One change is under way at a time. */
export class DraftKeeper {
  readonly #parts: Parts;
  #revision: string;
  #rivals: Rival[];
  #wanted: Copy | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = PAUSE_MS;
  #isClosed = false;
  #busy: Promise<void> | undefined;
  /** Texts that this page has had: when the host has one of them, nobody else wrote it. */
  readonly #mine: string[] = [];
  #kept: Kept = { state: "none", rival: undefined };

  constructor(parts: Parts, revision: string, rivals: readonly Rival[] = [], opened?: Rival) {
    this.#parts = parts;
    this.#revision = revision;
    this.#rivals = [...rivals];
    if (opened) this.#mine.push(opened.text);
    this.#kept = { state: opened && opened.key === undefined ? "host" : "none", rival: rivals[0] };
  }

  get kept(): Kept {
    return this.#kept;
  }

  /** The text is another one now. */
  edited(text: string, base: { number: number; digest: string }): void {
    const at = (this.#parts.now ?? Date.now)() / 1000;
    this.#wanted = { text, number: base.number, digest: base.digest, revision: this.#revision, at };
    this.#tell(this.#parts.local.write(this.#wanted) ? "browser" : "nowhere");
    this.#schedule(PAUSE_MS);
  }

  /** The text is saved, or discarded: nothing of it is to be kept. */
  clear(): void {
    this.#wanted = undefined;
    this.#parts.local.remove();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#tell("none");
    void this.#discarded();
  }

  /** The text of this page goes on, over the rival's. */
  keepMine(): void {
    const [rival, ...rest] = this.#rivals;
    if (rival && rival.key === undefined) this.#revision = rival.revision;
    if (rival?.key !== undefined) this.#parts.drop(rival.key);
    this.#rivals = rest;
    this.#tell(this.#kept.state);
    this.#schedule(0);
  }

  /** The rival's text takes the place of this page's. */
  takeTheirs(): Rival | undefined {
    const [rival, ...rest] = this.#rivals;
    if (rival && rival.key === undefined) {
      this.#revision = rival.revision;
      this.#wanted = undefined;
      this.#parts.local.remove();
    }
    if (rival?.key !== undefined) this.#parts.drop(rival.key);
    this.#rivals = rest;
    if (rival) this.#mine.push(rival.text);
    this.#tell(this.#wanted ? this.#kept.state : "host");
    return rival;
  }

  /** The page is there. */
  open(): void {
    this.#isClosed = false;
  }

  /** The page is left: what is not with the host yet is sent there once more. */
  close(): void {
    if (this.#timer !== undefined) this.#schedule(0);
    this.#isClosed = true;
  }

  async #discarded(): Promise<void> {
    await this.#busy;
    if (this.#wanted || !this.#revision) return;
    const revision = this.#revision;
    this.#revision = "";
    await this.#parts.discard(revision);
  }

  #schedule(ms: number): void {
    if (this.#isClosed || this.#rivals.length > 0 || this.#busy || !this.#wanted) return;
    if (this.#timer !== undefined && ms > 0) return; // typing on does not put it off
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const go = () => {
      this.#timer = undefined;
      this.#busy = this.#send().finally(() => {
        this.#busy = undefined;
        this.#schedule(this.#pause);
      });
    };
    if (ms > 0) this.#timer = setTimeout(go, ms);
    else go();
  }

  async #send(): Promise<void> {
    const copy = this.#wanted;
    if (!copy) return;
    this.#pause = PAUSE_MS;
    this.#mine.push(copy.text);
    this.#mine.splice(0, this.#mine.length - 8);
    const answer = await this.#parts.put({ ...copy, revision: this.#revision });
    if (answer.kind === "kept") {
      this.#revision = answer.revision;
      if (this.#wanted === copy) {
        this.#wanted = undefined;
        this.#parts.local.remove();
        this.#tell("host");
      } else if (this.#wanted) {
        this.#parts.local.write({ ...this.#wanted, revision: answer.revision });
      }
      return;
    }
    if (answer.kind === "failed") {
      this.#pause = AGAIN_MS;
      return;
    }
    const { rival } = answer;
    if (!rival) this.#revision = "";
    else if (this.#mine.includes(rival.text) || rival.text === this.#wanted?.text)
      this.#revision = rival.revision;
    else {
      this.#rivals = [rival];
      this.#tell(this.#kept.state);
    }
  }

  #tell(state: KeptState): void {
    this.#kept = { state, rival: this.#rivals[0] };
    this.#parts.onChange(this.#kept);
  }
}
