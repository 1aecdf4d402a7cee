export { WorkflowsPage as Component } from "./workflows-page";
