import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { connectorUrl } from "./urls";

interface Order {
  name: string;
  change: Schemas["ConnectorChange"];
}

export const { useChangeConnectorMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    changeConnector: build.mutation<Schemas["Connector"], Order>({
      query: ({ name, change }) => ({
        url: connectorUrl(name),
        method: "PUT",
        body: change,
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Connector", "Audit"],
    }),
  }),
});
