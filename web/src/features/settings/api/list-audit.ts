import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

import type { AuditFilter } from "../audit-filter";

const PAGE = 100;

export const { useListAuditInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listAudit: build.infiniteQuery<Schemas["AuditRows"], AuditFilter, string | null>({
      query: ({ pageParam, queryArg }) => ({
        url: "api/v1/audit",
        params: pageParams(pageParam, PAGE, { ...queryArg }),
      }),
      infiniteQueryOptions: cursorPages,
      providesTags: ["Audit"],
    }),
  }),
});
