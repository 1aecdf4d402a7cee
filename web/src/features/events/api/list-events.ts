import { api } from "@/shared/api/base-api";
import { pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

interface Asked {
  topic: string;
  cursor: string | null;
}

const PAGE = 200;

/** Without a tag: what is new comes over the socket. */
export const { useLazyListEventsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listEvents: build.query<Schemas["Events"], Asked>({
      query: ({ topic, cursor }) => ({ url: "api/v1/events", params: pageParams(cursor, PAGE, { topic }) }),
      keepUnusedDataFor: 0,
    }),
  }),
});
