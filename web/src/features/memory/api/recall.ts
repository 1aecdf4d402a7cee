import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import type { Question } from "../logic/question";

const MOST = 20;

export const { useRecallQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    recall: build.query<Schemas["Recalled"], Question>({
      query: ({ text, tiers, owner, withinS }) => ({
        url: "api/v1/memory/recall",
        method: "POST",
        params: { owner },
        body: {
          text,
          limit: MOST,
          touch: false, // who looks around does not make a memory more important
          ...(tiers.length > 0 && { tiers }),
          ...(withinS !== undefined && { since: Date.now() / 1000 - withinS }),
        },
      }),
      providesTags: [{ type: "Memory", id: "LIST" }],
    }),
  }),
});
