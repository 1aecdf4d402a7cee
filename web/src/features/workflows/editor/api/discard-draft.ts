import { api } from "@/shared/api/base-api";

import { draftUrl } from "./urls";

interface Order {
  draft: string;
  /** Only the draft that has it is discarded. */
  revision?: string;
}

export const { useDiscardDraftMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    discardDraft: build.mutation<null, Order>({
      query: ({ draft, revision }) => ({
        url: draftUrl(draft),
        method: "DELETE",
        keepalive: true, // whoever saves may leave the page at once
        ...(revision && { params: { revision } }),
      }),
      invalidatesTags: ["Draft"],
    }),
  }),
});
