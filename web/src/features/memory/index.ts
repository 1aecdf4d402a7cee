export { MemoryPage as Component } from "./memory-page";
