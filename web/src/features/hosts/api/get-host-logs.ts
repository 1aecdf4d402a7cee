import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

const LINES = 200;

export const { useGetHostLogsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getHostLogs: build.query<Schemas["HostLines"], string>({
      query: (host) => ({ url: `api/v1/fleet/${encodeURIComponent(host)}/logs`, params: { limit: LINES } }),
      keepUnusedDataFor: 0,
    }),
  }),
});
