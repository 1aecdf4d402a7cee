import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { type CallAnswer, readCost } from "../logic/answer";
import { binaryOf } from "../logic/binary";
import { pluginUrl } from "./plugin-url";

export interface CallOrder {
  plugin: string;
  function: string;
  media: string;
  body: Blob;
}

interface Body {
  media: string;
  body: string;
}

export const { useCallFunctionMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    callFunction: build.mutation<CallAnswer, CallOrder>({
      query: ({ plugin, function: name, media, body }) => ({
        url: pluginUrl(plugin, "functions", name),
        method: "POST",
        body,
        headers: { "content-type": media, "omnicore-cost": "1" },
        responseHandler: (response) => (response.ok ? readBody(response) : readProblem(response)),
      }),
      transformResponse: (body: Body, meta): CallAnswer => ({ ...body, cost: readCost(meta?.headers) }),
      transformErrorResponse: (problem, meta) => ({
        ...problem,
        details: { ...problem.details, cost: readCost(meta?.headers) satisfies Schemas["CallCost"] | null },
      }),
      invalidatesTags: ["PluginStatus"],
    }),
  }),
});

/** The output as it is; the store keeps values that are written as JSON, so bytes are a text of bytes. */
async function readBody(response: Response): Promise<Body> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const media = (response.headers.get("content-type") ?? "").split(";", 1)[0]?.trim() ?? "";
  return { media, body: binaryOf(bytes) };
}

async function readProblem(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
