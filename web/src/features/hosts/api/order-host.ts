import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

interface Order {
  id: string;
  state: Schemas["HostOrder"]["state"];
}

export const { useOrderHostMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    orderHost: build.mutation<Schemas["FleetHost"], Order>({
      query: ({ id, state }) => ({
        url: `api/v1/fleet/${encodeURIComponent(id)}/state`,
        method: "PUT",
        body: { state },
      }),
      invalidatesTags: ["Host"],
    }),
  }),
});
