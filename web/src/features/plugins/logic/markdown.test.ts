import { expect, it } from "vitest";

import { blocksOf, spansOf } from "./markdown";

it("reads headings, paragraphs, lists, quotes and code", () => {
  const blocks = blocksOf(
    "# Greet\n\nSays\n*hello*.\n\n- one\n- `two`\n\n1. first\n\n> said\n\n```sh\n# no heading\n```",
  );
  expect(blocks.map(({ kind }) => kind)).toEqual([..."heading paragraph list ordered quote code".split(" ")]);
  expect(blocks[1]?.items[0]?.map(({ kind, text }) => [kind, text])).toEqual([
    ["text", "Says "],
    ["em", "hello"],
    ["text", "."],
  ]);
  expect(blocks[2]?.items).toHaveLength(2);
  expect(blocks[5]?.text).toBe("# no heading");
});

it("keeps HTML as text, and leads nowhere but to pages of the web", () => {
  const html = "<img src=x onerror=alert(1)><script>alert(1)</script>";
  expect(spansOf(html)).toEqual([{ kind: "text", text: html }]);
  for (const to of [
    "javascript:alert`1`",
    "data:text/html,x",
    "//x.org",
    "/console/settings",
    "http://x.org",
    "https://a:b@x.org",
  ])
    expect(spansOf(`[here](${to})`)).toEqual([{ kind: "text", text: "here" }]);
  expect(spansOf("![a cat](https://x.org/cat.png)")).toEqual([{ kind: "text", text: "a cat" }]);
  expect(spansOf("[docs](https://x.org/a)")).toEqual([{ kind: "link", text: "docs", to: "https://x.org/a" }]);
});

it("reads what is made to cost time at once", () => {
  for (const part of ["[", "![a](", "*a ", "**a", "`", "> ", "- "])
    expect(blocksOf(part.repeat(20_000)).length).toBeGreaterThan(0);
});
