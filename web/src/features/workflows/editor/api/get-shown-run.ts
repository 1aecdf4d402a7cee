import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { runUrl } from "./urls";

export const { useGetShownRunQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getShownRun: build.query<Schemas["Run"], string>({
      query: runUrl,
      providesTags: (_run, _error, id) => ["Run", { type: "Run", id: `run/${id}` }],
    }),
  }),
});
