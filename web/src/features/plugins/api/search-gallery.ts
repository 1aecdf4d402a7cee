import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

const PAGE = 24;

export const { useSearchGalleryInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    searchGallery: build.infiniteQuery<Schemas["GalleryPage"], string, string | null>({
      infiniteQueryOptions: cursorPages,
      query: ({ queryArg: q, pageParam }) => ({
        url: "api/v1/gallery",
        params: pageParams(pageParam, PAGE, { q }),
      }),
      providesTags: ["Gallery"],
    }),
  }),
});
