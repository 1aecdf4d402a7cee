export { OmniCore, type LogLineOfPlugin } from "./omnicore.js";
export { OmniCoreError, type CallOptions, type Options } from "./client.js";
export * from "./types.js";
