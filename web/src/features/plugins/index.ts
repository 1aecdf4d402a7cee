export { PluginsPage as Component } from "./plugins-page";
