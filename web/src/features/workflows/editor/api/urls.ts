/** Of a workflow, by its name, or `namespace.name`. */
export const workflowUrl = (workflow: string) => `api/v1/workflows/${encodeURIComponent(workflow)}`;
export const runUrl = (run: string) => `api/v1/runs/${encodeURIComponent(run)}`;
