/// <reference path="./omnicore.d.ts"/>

/** What the pretended host of a unit test holds and has been told. */
export const host: {
  settings: Record<string, unknown>;
  kv: Map<string, { value: string | { base64: string }; version: number }>;
  lines: { level: string; message: string; fields?: Record<string, unknown> }[];
  events: { topic: string; data: unknown }[];
  subscriptions: Map<string, { id: string; topic: string; function: string }>;
  /** The reply of a function such as `http_fetch_v1`, or a function of its request. */
  answers: Record<string, unknown>;
  reset(): void;
};
