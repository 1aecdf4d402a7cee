import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useShowGalleryPluginQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    showGalleryPlugin: build.query<Schemas["GalleryPlugin"], string>({
      query: (name) => `api/v1/gallery/${encodeURIComponent(name)}`,
      providesTags: ["Gallery"],
    }),
  }),
});
