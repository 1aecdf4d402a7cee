import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { connectorUrl } from "./urls";

export const { useListActionsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listActions: build.query<Schemas["ConnectorActions"], string>({
      query: (name) => connectorUrl(name, "actions"),
      providesTags: ["Connector"],
    }),
  }),
});
