import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { attentionStates, type Totals } from "../logic/plugins";

interface HomePlugins {
  totals: Totals;
  /** The first of those that somebody should look at, the worst first. */
  attention: Schemas["Plugin"][];
}

export const { useListHomePluginsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    /** Totals and a few plugins: what is asked for does not grow with the number of plugins. */
    listHomePlugins: build.query<HomePlugins, number>({
      queryFn: async (most, _api, _options, ask) => {
        const counted = await ask({ url: "api/v1/plugins", params: { limit: 1, totals: "true" } });
        if (counted.error) return { error: counted.error };
        const totals: Totals = (counted.data as Schemas["Plugins"]).totals ?? {};
        const attention: Schemas["Plugin"][] = [];
        for (const state of attentionStates(totals)) {
          if (attention.length >= most) break;
          const limit = most - attention.length;
          const found = await ask({ url: "api/v1/plugins", params: { limit, state } });
          if (found.error) return { error: found.error };
          attention.push(...(found.data as Schemas["Plugins"]).items);
        }
        return { data: { totals, attention } };
      },
      providesTags: ["Plugin"],
    }),
  }),
});
