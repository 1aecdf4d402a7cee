export { RunPage as Component } from "./run-page";
