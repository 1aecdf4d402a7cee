import { expect, it } from "vitest";

import type { User } from "@/shared/api/session";

import { may } from "./use-may";

const viewer: User = { id: "1", name: "ada", role: "viewer", plugins: { counter: "operator" } };

it("lets a role do what those before it may", () => {
  expect(may({ ...viewer, role: "admin" }, "operator")).toBe(true);
  expect(may(viewer, "operator")).toBe(false);
  expect(may(null, "viewer")).toBe(false);
});

it("raises the role for single plugins only", () => {
  expect(may(viewer, "operator", "counter")).toBe(true);
  expect(may(viewer, "admin", "counter")).toBe(false);
  expect(may(viewer, "operator", "constructor")).toBe(false);
});
