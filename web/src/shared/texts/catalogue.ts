import type * as en from "./en/all";
import { textsOf } from "./load";
import type { Texts } from "./signature";

/** The texts of a noun, read where they are named: by then its area is loaded. */
function noun<Name extends keyof typeof en>(name: Name): Texts<(typeof en)[Name]> {
  const read = (_: object, key: string | symbol) => Reflect.get(textsOf(name) as object, key) as unknown;
  return new Proxy({}, { get: read }) as Texts<(typeof en)[Name]>;
}

export const common = /* @__PURE__ */ noun("common");
export const connectors = /* @__PURE__ */ noun("connectors");
export const events = /* @__PURE__ */ noun("events");
export const home = /* @__PURE__ */ noun("home");
export const hosts = /* @__PURE__ */ noun("hosts");
export const memory = /* @__PURE__ */ noun("memory");
export const plugins = /* @__PURE__ */ noun("plugins");
export const problems = /* @__PURE__ */ noun("problems");
export const session = /* @__PURE__ */ noun("session");
export const settings = /* @__PURE__ */ noun("settings");
export const shell = /* @__PURE__ */ noun("shell");
export const tasks = /* @__PURE__ */ noun("tasks");
export const workflows = /* @__PURE__ */ noun("workflows");
export const workflowsEditor = /* @__PURE__ */ noun("workflowsEditor");
