/**
 * Every text of the console, by the noun it is about. Another language is another module of this shape. A namespace and
 * no object, so that each page loads the texts that it names and not those of all pages.
 */
export * as texts from "./catalogue";
