import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

/** One row by its number, null when it is not there: the first one of the page that begins before the next. */
export const { useGetAuditRowQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getAuditRow: build.query<Schemas["AuditRow"] | null, number>({
      query: (seq) => ({ url: "api/v1/audit", params: { cursor: String(seq + 1), limit: 1 } }),
      transformResponse: (page: Schemas["AuditRows"], _meta, seq) =>
        page.items.find((row) => row.seq === seq) ?? null,
      providesTags: ["Audit"],
    }),
  }),
});
