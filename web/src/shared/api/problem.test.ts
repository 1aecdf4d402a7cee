import { expect, it } from "vitest";

import { asProblem, problemOf } from "./problem";

it("reads a problem document", () => {
  const data = { detail: "it is held", remedy: "grant kv", code: "needs-grant", capability: "kv" };
  expect(problemOf({ status: 403, data })).toEqual({
    status: 403,
    code: "needs-grant",
    fact: "it is held",
    remedy: "grant kv",
    details: data,
  });
});

it("says that nobody answered", () => {
  expect(problemOf({ status: "FETCH_ERROR", error: "x" }).code).toBe("no-answer");
});

it("does not show what a proxy's page says", () => {
  const problem = problemOf({ status: "PARSING_ERROR", data: "<html>" }, 502);
  expect(problem.status).toBe(502);
  expect(problem.fact).not.toContain("<html>");
});

it("takes what was thrown", () => {
  expect(asProblem(new Error("no such chunk")).fact).toBe("no such chunk");
});
