import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { csrf } from "@/shared/api/csrf";

import { Batch } from "./batch";
import { backoff, type LiveState, protocols, ReconnectingSocket } from "./reconnecting-socket";
import { tagsOf } from "./topics";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a batch", () => {
  it("hands on the first at once and the rest together, once each", () => {
    const handed: string[][] = [];
    const batch = new Batch<string>(1000, (items) => handed.push(items));
    batch.add(["a"]);
    batch.add(["b", "c"]);
    batch.add(["b"]);
    expect(handed).toEqual([["a"]]);
    vi.advanceTimersByTime(1000);
    expect(handed).toEqual([["a"], ["b", "c"]]);
    vi.advanceTimersByTime(5000);
    expect(handed).toHaveLength(2);
  });
});

describe("the socket", () => {
  it("comes back with longer and longer waits, and takes only JSON", () => {
    const made: WebSocket[] = [];
    const states: LiveState[] = [];
    const frames: unknown[] = [];
    const socket = new ReconnectingSocket({
      url: () => "ws://host/ws",
      onFrame: (frame) => frames.push(frame),
      onState: (state) => states.push(state),
      open: () => {
        const one = { close: () => undefined } as unknown as WebSocket;
        made.push(one);
        return one;
      },
      random: () => 1,
    });
    made[0]?.onopen?.(new Event("open"));
    made[0]?.onmessage?.(new MessageEvent("message", { data: "{" }));
    made[0]?.onmessage?.(new MessageEvent("message", { data: '{"a":1}' }));
    made[0]?.onclose?.(new CloseEvent("close"));
    vi.advanceTimersByTime(499);
    expect(made).toHaveLength(1);
    vi.advanceTimersByTime(1);
    made[1]?.onclose?.(new CloseEvent("close"));
    vi.advanceTimersByTime(1000);
    expect(made).toHaveLength(3);
    socket.close();
    made[2]?.onclose?.(new CloseEvent("close"));
    vi.advanceTimersByTime(60_000);
    expect(made).toHaveLength(3);
    expect(frames).toEqual([{ a: 1 }]);
    expect(states).toEqual(["connecting", "connected", "reconnecting", "reconnecting", "closed"]);
  });

  it("never waits longer than its most", () => {
    expect(backoff(50, 1)).toBe(15_000);
    expect(backoff(0, 0)).toBe(250);
  });
});

it("carries the session's CSRF token when there is one", () => {
  csrf.token = null;
  expect(protocols()).toEqual(["omnicore"]);
  csrf.token = "abc";
  expect(protocols()).toEqual(["omnicore", "omnicore.csrf.abc"]);
  csrf.token = null;
});

it("knows what an event makes old", () => {
  expect(tagsOf("plugin.enabled")).toContain("Grant");
  expect(tagsOf("greeting.sent")).toEqual(["Event"]);
});
