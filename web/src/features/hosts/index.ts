export { HostsPage as Component } from "./hosts-page";
