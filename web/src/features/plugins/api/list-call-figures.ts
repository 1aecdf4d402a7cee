import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

const MOST = 50;

export const { useListCallFiguresQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listCallFigures: build.query<Schemas["FunctionFiguresList"], string>({
      query: (plugin) => ({ url: "api/v1/metrics/calls", params: { plugin, limit: MOST } }),
      providesTags: ["PluginStatus"],
    }),
  }),
});
