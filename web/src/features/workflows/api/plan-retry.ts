import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { runUrl } from "../editor/api/urls";

export const { usePlanRetryQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    /** What a retry would keep and do again; nothing is done. */
    planRetry: build.query<Schemas["RetryPlan"], { run: string; version: number }>({
      query: ({ run, ...params }) => ({ url: `${runUrl(run)}/retry`, params }),
      providesTags: ["Workflow"],
    }),
  }),
});
