import { api } from "@/shared/api/base-api";

export const { useDeleteBackupMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    deleteBackup: build.mutation<null, string>({
      query: (name) => ({ url: `api/v1/backups/${encodeURIComponent(name)}`, method: "DELETE" }),
      invalidatesTags: ["Backup", "Audit"],
    }),
  }),
});
