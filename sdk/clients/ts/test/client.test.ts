import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { OmniCore, OmniCoreError } from "../src/index.js";

const url = process.env["OMNICORE_TEST_URL"];
const token = process.env["OMNICORE_TEST_TOKEN"];
/** Tests of a real host, which tests/sdk/test_clients.py starts. */
const real = { skip: url === undefined ? "OMNICORE_TEST_URL names no host" : false, timeout: 30_000 };
const host = () => new OmniCore({ url: url!, token });
const bytes = (text: string) => new TextEncoder().encode(text);

/** A server that answers with each of these statuses in turn, then with `{}`, and keeps what it was sent. */
async function failing(t: TestContext, statuses: number[], headers: Record<string, string> = {}) {
  const asked: IncomingHttpHeaders[] = [];
  const server = createServer((request, answer) => {
    const status = statuses[asked.push(request.headers) - 1];
    answer.writeHead(status ?? 200, headers);
    answer.end(status === undefined ? "{}" : '{"code":"busy","detail":"no room","remedy":"come again"}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { asked, client: new OmniCore({ url: `http://127.0.0.1:${port}`, longestPauseMs: 1000 }) };
}

test("a call returns the output of the plugin", real, async () => {
  const output = await host().callFunction("text", "count_vowels", bytes("hello"), { timeout_s: 5 });
  assert.equal(new TextDecoder().decode(output), '{"count":2}');
});

test("a refusal has a code and a remedy", real, async () => {
  await assert.rejects(host().showPlugin("no-such-plugin/at all"), (error) => {
    assert.ok(error instanceof OmniCoreError);
    assert.equal(error.status, 404);
    assert.ok(error.code && error.remedy && error.instance && error.message.includes(error.remedy));
    return true;
  });
});

test("all pages are gone through, and are left early", real, async () => {
  for (let number = 0; number < 5; number++) {
    await host().submitTask({ function: "text.count_vowels", input: "hello", label: `ts ${number}` });
  }
  const seen = new Set<string>();
  for await (const task of host().allTasks({ limit: 2 })) seen.add(task.id);
  assert.ok(seen.size >= 5);
  for await (const task of host().allTasks({ limit: 1 })) {
    assert.ok(task.id);
    break;
  }
});

test("one key is one task", real, async () => {
  const idempotencyKey = `ts-${process.pid}-${Date.now()}`;
  const order = { function: "text.count_vowels", input: "hello" };
  const first = await host().submitTask(order, { idempotencyKey });
  assert.equal((await host().submitTask(order, { idempotencyKey })).id, first.id);
  await assert.rejects(host().submitTask({ ...order, input: "another" }, { idempotencyKey }), OmniCoreError);
});

test("events are heard until the loop is left", real, async () => {
  const done = new AbortController();
  const submitting = (async () => {
    while (!done.signal.aborted) await host().submitTask({ function: "text.count_vowels", input: "hello" });
  })();
  try {
    for await (const event of host().events()) {
      assert.ok(event.topic && event.at);
      return;
    }
    assert.fail("the stream ended");
  } finally {
    done.abort();
    await submitting;
  }
});

test("a stream that is refused says why", real, async () => {
  const stranger = new OmniCore({ url: url!, token: "wrong" });
  await assert.rejects(stranger.events().next(), (error) => error instanceof OmniCoreError && error.status === 401);
});

test("a stream ends with its signal and without an error", real, async () => {
  for await (const event of host().events({ topic: "no.such.topic" }, { signal: AbortSignal.timeout(200) })) {
    assert.fail(event.topic);
  }
});

test("what is busy is asked again with the same key", async (t) => {
  const { asked, client } = await failing(t, [503, 429, 502]);
  await client.submitTask({ function: "a.b" });
  const keys = new Set(asked.map((headers) => headers["idempotency-key"]));
  assert.equal(asked.length, 4);
  assert.ok(keys.size === 1 && !keys.has(undefined));
});

test("tries are bounded", async (t) => {
  const { asked, client } = await failing(t, [503, 503, 503, 503, 503]);
  await assert.rejects(client.listPlugins(), { code: "busy", status: 503 });
  assert.equal(asked.length, 4);
});

test("a host that asks for a long pause is not waited for", async (t) => {
  const { asked, client } = await failing(t, [503], { "retry-after": "3600" });
  await assert.rejects(client.listPlugins(), { retryAfterMs: 3_600_000 });
  assert.equal(asked.length, 1);
});

test("a call that may have begun is not repeated, one that was refused before is", async (t) => {
  const begun = await failing(t, [502]);
  await assert.rejects(begun.client.callFunction("a", "b", bytes("")));
  assert.equal(begun.asked.length, 1);
  const refused = await failing(t, [429]);
  await refused.client.callFunction("a", "b", bytes(""));
  assert.equal(refused.asked.length, 2);
  const wrong = await failing(t, [422]);
  await assert.rejects(wrong.client.listPlugins());
  assert.equal(wrong.asked.length, 1);
});

test("a signal ends the wait for a repetition", async (t) => {
  const { client } = await failing(t, [503, 503, 503], { "retry-after": "0.9" });
  await assert.rejects(client.listPlugins({}, { signal: AbortSignal.timeout(50) }), { name: "TimeoutError" });
});

test("a proxy's page is an error too", async (t) => {
  const server = createServer((_, answer) => answer.writeHead(403).end("<html>no</html>"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const client = new OmniCore({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  await assert.rejects(client.listPlugins(), { code: "http-403" });
});

test("an address that is none is refused", () => {
  for (const address of ["", "localhost:8080", "ftp://a"]) assert.throws(() => new OmniCore({ url: address }));
});
