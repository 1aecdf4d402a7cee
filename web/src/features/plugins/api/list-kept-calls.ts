import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export type KeptCall = Schemas["KeptCall"];

export interface CallsWanted {
  plugin: string;
  state: "ok" | "failed" | "slow" | undefined;
  q: string | undefined;
}

const MOST = 50;

export const { useListKeptCallsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listKeptCalls: build.query<Schemas["KeptCalls"], CallsWanted>({
      query: (wanted) => ({ url: "api/v1/calls", params: { ...wanted, limit: MOST } }),
      providesTags: ["PluginStatus"],
    }),
  }),
});
