import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { connectorUrl } from "./urls";

export const { useListConnectorsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listConnectors: build.query<Schemas["Connectors"], void>({
      query: () => connectorUrl(),
      providesTags: ["Connector", "ConnectorUse"],
    }),
  }),
});
