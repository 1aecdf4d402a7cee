import { describe, expect, it } from "vitest";

import type { Schemas } from "@/shared/api/types";

import { relatedOf } from "./edges";
import { policyWords } from "./policy";
import { paramsOf, questionOf } from "./question";
import { partsOf, scored } from "./score";
import { momentsOf, nameOf, standingOf } from "./timeline";

const session = {
  tier: "session",
  purpose: "state of a conversation",
  scope: "session",
  writer: "plugin",
  group: "working",
  shared: false,
  cap: 100_000,
  evicts: true,
  ttl_s: 86_400,
  half_life_s: 59_760,
  promote_at: 0.3,
  promote_hits: 3,
  lasting_at: null,
  promote_to: "episodic",
} as const;

describe("the policy of a tier", () => {
  it("is said in words", () => {
    expect(policyWords(session)).toEqual([
      "kept for 24 hours",
      "weight halves in 16.6 hours",
      "moves to episodic from importance 0.3, or after 3 uses",
      "at most 100,000 an owner",
      "when full, the weakest go",
      "plugins write it",
    ]);
  });

  it("leaves out what a tier does not do", () => {
    const rules = {
      ...session,
      ttl_s: null,
      half_life_s: null,
      promote_to: null,
      evicts: false,
      shared: true,
    };
    expect(policyWords({ ...rules, writer: "operator", cap: 1000 })).toEqual([
      "kept for good",
      "at most 1,000",
      "when full, more is refused",
      "people write it",
    ]);
  });
});

describe("the parts of a score", () => {
  it("stand beside their kind, paler each, and those that count for nothing are left out", () => {
    const parts = partsOf({ recency: 0.01, words: 0.2, turn: 0.3, window: 0, pair: 0.1 });
    expect(parts.map(({ name, kind, shade }) => [name, kind, shade])).toEqual([
      ["turn", "meaning", 0],
      ["pair", "meaning", 1],
      ["words", "words", 0],
      ["recency", "weight", 0],
    ]);
  });

  it("are told also when the host knows more of them than this page", () => {
    expect(partsOf({ constructor: 0.5 }).map(({ label }) => label)).toEqual(["constructor"]);
    expect(partsOf(undefined)).toEqual([]);
  });

  it("are rounded without saying that something is nothing", () => {
    expect([0, 0.001, 0.816].map(scored)).toEqual(["0.00", "<0.01", "0.82"]);
  });
});

describe("a question in the address", () => {
  it("comes back as it went in", () => {
    const question = { text: "who came", tiers: ["session", "cosmic"], owner: "text", withinS: 3600 };
    const params = new URLSearchParams(paramsOf(question) as Record<string, string>);
    expect(questionOf(params)).toEqual(question);
  });

  it("is what makes sense of it", () => {
    const params = new URLSearchParams({ q: " x ", tiers: "none,session,session", within: "7", owner: "" });
    expect(questionOf(params)).toEqual({ text: "x", tiers: ["session"], owner: "@host", withinS: undefined });
  });
});

describe("an edge", () => {
  it("is read from the end that one looks from", () => {
    const edge = { from: "mem_a", relation: "derived_from", to: "mem_b", note: "" };
    expect(relatedOf(edge, "mem_a")).toMatchObject({ words: "was made of", other: "mem_b" });
    expect(relatedOf(edge, "mem_b")).toMatchObject({ words: "was used to make", other: "mem_a" });
  });

  it("tells of the memory itself where it was moved", () => {
    const edge = { from: "mem_a", relation: "consolidated_from", to: "tier:1", note: "tier:2" };
    expect(relatedOf(edge, "mem_a")).toMatchObject({
      words: "moved from short term to session",
      other: undefined,
    });
  });
});

describe("the timeline of a name", () => {
  const fact = {
    ...{ id: "f", subject: "ada", attribute: "home", value: "Rome", since: 5, until: null, said_at: 5 },
    ...{ speaker: null, memory: "m", disputed: false, user: null, agent: null, session: null, app: null },
  };
  const memory = { id: "m", text: "Ada lives in Rome", created_at: 9 } as Schemas["Memory"];

  it("shows a memory with the fact that it states, and others by themselves, the oldest first", () => {
    const other = { ...memory, id: "n", created_at: 1 };
    const moments = momentsOf({ name: "Ada", facts: [fact], memories: [other, memory] });
    expect(moments.map((one) => [one.key, one.at, one.memory?.id])).toEqual([
      ["n", 1, "n"],
      ["f", 5, "m"],
    ]);
  });

  it("tells what holds from what ended and what is still ahead", () => {
    expect(standingOf(fact, 6)).toBe("holds");
    expect(standingOf(fact, 4)).toBe("ahead");
    expect(standingOf({ ...fact, until: 6 }, 6)).toBe("ended");
  });

  it("asks for no name that a browser takes for a way up", () => {
    expect(nameOf(new URLSearchParams({ name: " .. " }))).toBe("");
    expect(nameOf(new URLSearchParams({ name: " Ada " }))).toBe("Ada");
  });
});
