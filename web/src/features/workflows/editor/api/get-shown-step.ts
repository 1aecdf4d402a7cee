import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { runUrl } from "./urls";

export const { useGetShownStepQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getShownStep: build.query<Schemas["RunStep"], { run: string; seq: number }>({
      query: ({ run, seq }) => `${runUrl(run)}/steps/${seq}`,
    }),
  }),
});
