import { expect, it, vi } from "vitest";

import { type Verdict, verifyAll } from "./verify-all";

const verdict = (more: Partial<Verdict>): Verdict => ({
  ok: true,
  complete: true,
  rows: 10,
  last: { seq: 10, hash: "a" },
  broken_at: null,
  reason: "",
  ...more,
});

it("goes on behind the last row until it was at the end, and counts all rows", async () => {
  const ask = vi
    .fn()
    .mockResolvedValueOnce(verdict({ complete: false }))
    .mockResolvedValueOnce(verdict({ rows: 5, last: { seq: 15, hash: "b" } }));
  const seen: number[] = [];
  const found = await verifyAll(ask, (soFar) => seen.push(soFar.rows));
  expect(found).toMatchObject({ ok: true, complete: true, rows: 15 });
  expect(seen).toEqual([10]);
  expect(ask.mock.calls).toEqual([[{}], [{ after: 10 }]]);
});

it("stops where the chain is broken", async () => {
  const ask = vi
    .fn()
    .mockResolvedValue(verdict({ ok: false, complete: true, broken_at: 4, reason: "row 4" }));
  expect(await verifyAll(ask, () => undefined)).toMatchObject({ ok: false, broken_at: 4 });
  expect(ask).toHaveBeenCalledOnce();
});
