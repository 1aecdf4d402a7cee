export { PluginPage as Component } from "./plugin-page";
