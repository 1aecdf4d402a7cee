import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { runUrl } from "./urls";

export const { useListOpenStepsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listOpenSteps: build.query<Schemas["RunOpen"], string>({
      query: (run) => `${runUrl(run)}/open`,
      providesTags: (_open, _error, id) => ["Run", { type: "Run", id: `open/${id}` }],
    }),
  }),
});
