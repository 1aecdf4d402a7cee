/** What every page needs at once. */
export { common } from "./common";
export { problems } from "./problems";
export { session } from "./session";
export { shell } from "./shell";
