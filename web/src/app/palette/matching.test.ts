import { expect, it } from "vitest";

import { matching, score, type Target } from "./matching";

const target = (label: string): Target => ({ id: label, group: "pages", label, run: () => undefined });

it("puts what begins with the typed letters first", () => {
  const found = matching([target("Go to text"), target("markdown-text"), target("text")], "text", 9);
  expect(found.map((one) => one.label)).toEqual(["text", "Go to text", "markdown-text"]);
});

it("finds letters in their order", () => {
  expect(score("connectors", "cnt")).toBe(1);
  expect(score("connectors", "tnc")).toBe(0);
});

it("shows everything for nothing", () => {
  expect(matching([target("a"), target("b")], "", 9)).toHaveLength(2);
});
