import { api } from "@/shared/api/base-api";

const NAMED = /filename="([\w.-]+)"/;

interface Download {
  /** An address inside this page, to be given back by `URL.revokeObjectURL`. */
  url: string;
  name: string;
}

/** Has the file made and holds it for the browser to save. */
export const { useMakeDiagnosticsMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    makeDiagnostics: build.mutation<Download, void>({
      query: () => ({
        url: "api/v1/diagnostics",
        responseHandler: async (response): Promise<unknown> => {
          if (!response.ok) return response.json();
          const name = NAMED.exec(response.headers.get("content-disposition") ?? "")?.[1];
          return {
            url: URL.createObjectURL(await response.blob()),
            name: name ?? "omnicore-diagnostics.zip",
          };
        },
      }),
    }),
  }),
});
