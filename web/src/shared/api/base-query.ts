import { prefix } from "./prefix";
import { type BaseQueryFn, type FetchArgs, fetchBaseQuery } from "@reduxjs/toolkit/query/react";

import { texts } from "@/shared/texts";

import { csrf } from "./csrf";
import { type Problem, problemOf } from "./problem";

const SAFE = new Set(["GET", "HEAD"]);
/** Where 401 means wrong words and not that the session is over. */
const WORDS = new Set(["createSession", "createSetup", "changePassword"]);

const fetched = fetchBaseQuery({ baseUrl: `${prefix}/`, credentials: "same-origin", timeout: 120_000 });

/** Everything the console asks the host goes through here: the headers of writes, problems, the end of a session. */
export const baseQuery: BaseQueryFn<
  string | FetchArgs,
  unknown,
  Problem,
  object,
  { headers?: Headers }
> = async (asked, context, extra) => {
  const request = typeof asked === "string" ? { url: asked } : asked;
  const answer = await fetched({ ...request, headers: headersOf(request) }, context, extra);
  const meta = answer.meta?.response ? { headers: answer.meta.response.headers } : {};
  if (!answer.error) return { data: answer.data, meta };
  const problem = problemOf(answer.error, answer.meta?.response?.status);
  if (problem.status === 401 && !WORDS.has(context.endpoint)) {
    context.dispatch({ type: "session/lost" }); // the store answers it by asking who we are
  }
  if (problem.code === "wrong-csrf") {
    context.dispatch({ type: "session/lost" });
    return { error: { ...problem, ...texts.problems.sessionChanged }, meta };
  }
  return { error: problem, meta };
};

function headersOf(request: FetchArgs): Headers {
  const headers = new Headers(request.headers as HeadersInit | undefined);
  if (SAFE.has((request.method ?? "GET").toUpperCase())) return headers;
  if (csrf.token) headers.set("x-csrf-token", csrf.token);
  return headers;
}

/** A header that makes a repeated write answer as the first did. For operations that take an `Idempotency-Key`. */
export function idempotencyKey(): Record<string, string> {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs a secure context
  return { "idempotency-key": Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("") };
}
