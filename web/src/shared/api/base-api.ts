import { createApi } from "@reduxjs/toolkit/query/react";

import { baseQuery } from "./base-query";
import { TAGS } from "./tags";

/** The one API of the console. Each request joins it by `api.injectEndpoints` in a file of its own. */
export const api = createApi({
  baseQuery,
  tagTypes: TAGS,
  endpoints: () => ({}),
  keepUnusedDataFor: 60,
  refetchOnMountOrArgChange: 10, // seconds: older answers are shown at once and asked for again
});
