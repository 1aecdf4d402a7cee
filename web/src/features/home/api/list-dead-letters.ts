import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListDeadLettersQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listDeadLetters: build.query<Schemas["Tasks"], number>({
      query: (limit) => ({ url: "api/v1/tasks", params: { state: "failed", limit } }),
      providesTags: ["Task"],
    }),
  }),
});
