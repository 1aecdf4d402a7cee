// Settings, as the operator made them and the manifest's [config] allows them.
import { config } from "omnicore";

export function settings() {
  return { greeting: config.get("greeting") ?? "Hello", all: Object.keys(config.all()) };
}
