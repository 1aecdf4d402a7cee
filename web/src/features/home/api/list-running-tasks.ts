import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListRunningTasksQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listRunningTasks: build.query<Schemas["Tasks"], number>({
      query: (limit) => ({ url: "api/v1/tasks", params: { state: "running", limit } }),
      providesTags: ["Task"],
    }),
  }),
});
