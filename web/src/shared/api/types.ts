import type { components } from "./schema";

/** The schemas of the host's OpenAPI document by name: `Schemas["Plugin"]`. */
export type Schemas = components["schemas"];

/** A page of a list that is read by cursor; `next` is null at the end. */
export interface Page<Item> {
  items: Item[];
  next: string | null;
}
