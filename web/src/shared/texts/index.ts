/**
 * Every text of the console, by the noun it is about, in the language of the page. The catalogues are `en/` and, with
 * the same names, `de/`; `load.ts` loads the areas that a page needs before the page.
 */
export * as texts from "./catalogue";
