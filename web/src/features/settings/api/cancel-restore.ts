import { api } from "@/shared/api/base-api";

export const { useCancelRestoreMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    cancelRestore: build.mutation<null, string>({
      query: (name) => ({ url: `api/v1/backups/${encodeURIComponent(name)}/restore`, method: "DELETE" }),
      invalidatesTags: ["Backup", "Audit"],
    }),
  }),
});
