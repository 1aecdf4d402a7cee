import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { runUrl } from "./urls";

const PAGE = 200;
const MOST_PAGES = 10;

/** The steps of a run from its beginning; `isWhole` is false where there are more than a canvas can show. */
export const { useListShownStepsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listShownSteps: build.query<{ items: Schemas["RunStep"][]; isWhole: boolean }, string>({
      queryFn: async (run, _api, _extra, fetched) => {
        const items: Schemas["RunStep"][] = [];
        let after: string | number = 0;
        for (let page = 0; page < MOST_PAGES; page += 1) {
          const url = `${runUrl(run)}/steps`;
          const answer = await fetched({ url, params: { after, limit: PAGE } });
          if (answer.error) return { error: answer.error };
          const { items: found, next } = answer.data as Schemas["RunSteps"];
          items.push(...found);
          if (next === null) return { data: { items, isWhole: true } };
          after = next;
        }
        return { data: { items, isWhole: false } };
      },
      providesTags: ["Run"],
    }),
  }),
});
