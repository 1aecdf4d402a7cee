import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { Fleet } from "../src/fleet.js";
import { OmniCoreError } from "../src/index.js";

const servers = process.env["OMNICORE_TEST_NATS"];
const token = process.env["OMNICORE_TEST_TOKEN"];
/** Tests of a real fleet, which tests/sdk/test_clients.py starts. */
const real = { skip: !servers ? "OMNICORE_TEST_NATS names no server" : false, timeout: 30_000 };

async function connected(t: TestContext): Promise<NatsConnection> {
  const connection = await connect({ servers });
  t.after(() => connection.close());
  return connection;
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("a call is answered by a host of the fleet", real, async (t) => {
  const fleet = new Fleet(await connected(t), { token });
  const answer = await fleet.call("text", "count_vowels", "hello", { costs: true });
  assert.equal(text(answer.output), '{"count":2}');
  assert.ok(answer.host && answer.plugin === "text" && answer.time_s);
  const again = await fleet.call("text", "count_vowels", "e", { digest: answer.digest });
  assert.equal(text(again.output), '{"count":1}');
});

test("one key is one call", real, async (t) => {
  const fleet = new Fleet(await connected(t), { token });
  const key = `ts-${process.pid}-${Date.now()}`;
  for (const replayed of [false, true]) {
    assert.equal((await fleet.call("text", "count_vowels", "hello", { key })).replayed, replayed);
  }
});

test("refusals have a code and a remedy", real, async (t) => {
  const connection = await connected(t);
  await assert.rejects(new Fleet(connection).call("no.such plugin", "run"), { code: "not-served" });
  await assert.rejects(new Fleet(connection, { token: "wrong" }).call("text", "count_vowels"), (error) => {
    assert.ok(error instanceof OmniCoreError && error.code === "wrong-credentials" && error.detail && error.remedy);
    return true;
  });
});

test("another host is asked until a call may have begun", real, async (t) => {
  const connection = await connected(t);
  const busy = "capacity-reached";
  for (const [name, refusals, times, code] of [
    ["twice", [busy, "unavailable"], 3, undefined],
    ["begun", [busy, busy, busy], 3, busy],
    ["refused", ["permission-denied"], 1, "permission-denied"],
  ] as const) {
    let asked = 0;
    connection.subscribe(`omnicore.call.stand%2Ein.${name}`, {
      callback: (_, message) => {
        const refused = refusals[asked++];
        const told = headers();
        told.set(
          "Omnicore-Answer",
          JSON.stringify(refused ? { host: "host_a", error: refused, begun: asked > 2 } : { host: "host_a" }),
        );
        message.respond("", { headers: told });
      },
    });
    const call = new Fleet(connection).call("stand.in", name);
    await (code === undefined ? call : assert.rejects(call, { code }));
    assert.equal(asked, times, name);
  }
});
