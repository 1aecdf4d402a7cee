import { beforeEach, describe, expect, it, vi } from "vitest";

import { type Answer, DraftKeeper, type Kept } from "./keeper";
import { type Copy, localCopies, LocalDraft, localNewDrafts } from "./local-drafts";
import { NOTHING, openedOf, type Rival } from "./opened";

const BASE = { number: 2, digest: "d2" };
const copy = (text: string, more: Partial<Copy> = {}): Copy => ({
  text,
  revision: "",
  at: 1,
  ...BASE,
  ...more,
});
const shown = (text: string, revision: string, at = 1) => ({
  draft: { draft: "w", text, revision, changed_at: at, ...BASE },
  others: [],
});

/** A host that checks revisions, and answers when it is told to. */
class Host {
  text: string | undefined;
  revision = "";
  isAway = false;
  #count = 0;

  put = (one: Copy): Promise<Answer> => {
    if (this.isAway) return Promise.resolve({ kind: "failed" });
    if (this.text !== undefined && one.revision !== this.revision) {
      return Promise.resolve({ kind: "other", rival: copy(this.text, { revision: this.revision }) });
    }
    this.text = one.text;
    this.revision = `r${String((this.#count += 1))}`;
    return Promise.resolve({ kind: "kept", revision: this.revision });
  };

  discard = (revision: string): Promise<void> => {
    if (revision === this.revision) this.text = undefined;
    return Promise.resolve();
  };
}

function keeperOf(host: Host, page: string, revision = "", rivals: Rival[] = []) {
  const states: Kept[] = [];
  const keeper = new DraftKeeper(
    {
      local: new LocalDraft(localStorage, "ada", "w", page),
      put: host.put,
      discard: host.discard,
      drop: (key) => localStorage.removeItem(key),
      onChange: (kept) => states.push(kept),
    },
    revision,
    rivals,
  );
  return { keeper, states };
}

beforeEach(() => {
  localStorage.clear();
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

describe("what a page keeps", () => {
  it("is in the browser at once and with the host within a second, typing on or not", async () => {
    const host = new Host();
    const { keeper } = keeperOf(host, "p1");
    keeper.edited("a", BASE);
    expect(localCopies(localStorage, "ada", "w").map(({ text }) => text)).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(400);
    keeper.edited("ab", BASE);
    await vi.advanceTimersByTimeAsync(400);
    expect(host.text).toBe("ab");
    expect(keeper.kept.state).toBe("host");
    expect(localCopies(localStorage, "ada", "w")).toEqual([]);
  });

  it("stays in the browser while the host is away, and goes there once it is back", async () => {
    const host = new Host();
    host.isAway = true;
    const { keeper } = keeperOf(host, "p1");
    keeper.edited("a", BASE);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(keeper.kept.state).toBe("browser");
    host.isAway = false;
    await vi.advanceTimersByTimeAsync(5000);
    expect([host.text, keeper.kept.state]).toEqual(["a", "host"]);
  });

  it("is gone everywhere once it is saved", async () => {
    const host = new Host();
    const { keeper } = keeperOf(host, "p1");
    keeper.edited("a", BASE);
    await vi.advanceTimersByTimeAsync(1000);
    keeper.edited("b", BASE);
    keeper.clear();
    await vi.advanceTimersByTimeAsync(10_000);
    expect([host.text, keeper.kept.state]).toEqual([undefined, "none"]);
    expect(localCopies(localStorage, "ada", "w")).toEqual([]);
  });

  it("is asked for no more once the page is left", async () => {
    const host = new Host();
    host.isAway = true;
    const put = vi.spyOn(host, "put");
    const { keeper } = keeperOf(host, "p1");
    keeper.edited("a", BASE);
    keeper.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(put).toHaveBeenCalledTimes(1);
    expect(localCopies(localStorage, "ada", "w").map(({ text }) => text)).toEqual(["a"]);
  });
});

describe("two windows", () => {
  it("do not overwrite each other until one of them has chosen", async () => {
    const host = new Host();
    const [one, two] = [keeperOf(host, "p1").keeper, keeperOf(host, "p2").keeper];
    one.edited("one", BASE);
    await vi.advanceTimersByTimeAsync(1000);
    two.edited("two", BASE);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([host.text, two.kept.rival?.text, two.kept.state]).toEqual(["one", "one", "browser"]);
    two.keepMine();
    await vi.advanceTimersByTimeAsync(10);
    expect([host.text, two.kept.rival]).toEqual(["two", undefined]);
    one.edited("one, more", BASE);
    await vi.advanceTimersByTimeAsync(1000);
    expect(one.takeTheirs()?.text).toBe("two");
    one.edited("two, more", BASE);
    await vi.advanceTimersByTimeAsync(1000);
    expect(host.text).toBe("two, more");
  });

  it("with the same text are no two texts, and neither is a change whose answer was lost", async () => {
    const host = new Host();
    const { keeper } = keeperOf(host, "p1");
    await host.put(copy("a"));
    keeper.edited("a", BASE);
    await vi.advanceTimersByTimeAsync(2000);
    expect(keeper.kept).toEqual({ state: "host", rival: undefined });
  });
});

describe("what an editor opens with", () => {
  const locals = (...texts: [string, string, number][]) =>
    texts.map(([text, revision, at]) => ({ ...copy(text, { revision, at }), key: text }));

  it("is nothing, or the host's draft", () => {
    expect(openedOf({ draft: null, others: [] }, [], "saved")).toEqual(NOTHING);
    const opened = openedOf(shown("typed", "r1"), [], "saved");
    expect([opened.copy?.text, opened.revision, opened.rivals]).toEqual(["typed", "r1", []]);
  });

  it("is what was typed in this browser after the host's draft", () => {
    const opened = openedOf(shown("typed", "r1"), locals(["typed on", "r1", 2]), "saved");
    expect([opened.copy?.text, opened.revision, opened.rivals]).toEqual(["typed on", "r1", []]);
    expect(opened.useless).toEqual(["typed on"]);
  });

  it("has the host's draft as a rival when that does not come before", () => {
    const opened = openedOf(shown("theirs", "r2", 1), locals(["mine", "r1", 2]), "saved");
    expect([opened.copy?.text, opened.revision]).toEqual(["mine", "r1"]);
    expect(opened.rivals.map(({ text }) => text)).toEqual(["theirs"]);
    const older = openedOf(shown("theirs", "r2", 3), locals(["mine", "r1", 2]), "saved");
    expect([older.copy?.text, older.revision]).toEqual(["theirs", "r2"]);
    expect(older.rivals.map(({ text }) => text)).toEqual(["mine"]);
  });

  it("is the saved text where the draft says the same, which is then discarded", () => {
    const opened = openedOf(shown("saved", "r1"), locals(["saved", "", 1]), "saved");
    expect([opened.copy, opened.revision, opened.useless]).toEqual([undefined, "r1", ["saved"]]);
  });
});

it("reads copies of one person and draft only, and none that are broken", () => {
  new LocalDraft(localStorage, "ada", "w", "p1").write(copy("a", { at: 1 }));
  new LocalDraft(localStorage, "ada", "w", "p2").write(copy("b", { at: 2 }));
  new LocalDraft(localStorage, "ben", "w", "p1").write(copy("c"));
  new LocalDraft(localStorage, "ada", "~n", "p1").write(copy("d", { at: 3 }));
  localStorage.setItem("omnicore-draft:ada:w:p3", "{");
  expect(localCopies(localStorage, "ada", "w").map(({ text }) => text)).toEqual(["b", "a"]);
  expect(localNewDrafts(localStorage, "ada")).toEqual([{ draft: "~n", at: 3 }]);
  expect(new LocalDraft(undefined, "ada", "w").write(copy("a"))).toBe(false);
});
