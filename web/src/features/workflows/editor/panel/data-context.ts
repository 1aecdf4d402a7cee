import { createContext, use } from "react";

import type { Data } from "../model/data";

/** What expressions of the shown form can name. */
export const DataContext = createContext<Data>({
  tree: [],
  data: null,
  variables: {},
  isKnown: false,
  unknown: [],
});
export const useData = () => use(DataContext);
