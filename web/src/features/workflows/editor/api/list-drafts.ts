import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListDraftsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listDrafts: build.query<Schemas["Drafts"], void>({
      query: () => "api/v1/drafts",
      providesTags: ["Draft"],
      keepUnusedDataFor: 0,
    }),
  }),
});
