/** Of a workflow, by its name, or `namespace.name`. */
export const workflowUrl = (workflow: string) => `api/v1/workflows/${encodeURIComponent(workflow)}`;
export const runUrl = (run: string) => `api/v1/runs/${encodeURIComponent(run)}`;
/** Of the draft of a workflow, or of a new one. */
export const draftUrl = (draft: string) => `api/v1/drafts/${encodeURIComponent(draft)}`;
