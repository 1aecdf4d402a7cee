import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useGetTaskQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getTask: build.query<Schemas["Task"], string>({
      query: (task) => `api/v1/tasks/${encodeURIComponent(task)}`,
      providesTags: ["Task"],
    }),
  }),
});
