import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListBackupsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listBackups: build.query<Schemas["Backups"], void>({
      query: () => "api/v1/backups",
      providesTags: ["Backup"],
    }),
  }),
});
