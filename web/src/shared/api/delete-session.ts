import { api } from "./base-api";
import { ending } from "./ending";

export const { useDeleteSessionMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    deleteSession: build.mutation<null, void>({
      query: () => ({ url: "api/v1/session", method: "DELETE" }),
      onQueryStarted: async (_none, { queryFulfilled }) => {
        await queryFulfilled.catch(() => undefined);
        ending.isLost = false; // who logs out knows it
      },
      invalidatesTags: ["Session"],
    }),
  }),
});
