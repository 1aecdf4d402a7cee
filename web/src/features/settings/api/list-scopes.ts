import { api } from "@/shared/api/base-api";

interface Document {
  paths: Record<string, Record<string, { tags?: string[] }>>;
}

/** The parts of the API that a token can be limited to: the tags of the operations. */
export const { useListScopesQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listScopes: build.query<string[], void>({
      query: () => "openapi.json",
      transformResponse: (document: Document) => {
        const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
        return [...new Set(operations.flatMap((operation) => operation.tags ?? []))].sort();
      },
      providesTags: ["Host"],
      keepUnusedDataFor: 3600,
    }),
  }),
});
