// Made from specs/doors by `python -m sdk.generate`; change it there.
// Run functions of plugins later, with retries.
nouns.tasks = {
  // Stores a task and returns its id; the host runs it, also after a restart.
  submit(function_, options = {}) {
    return kit.ask("tasks_submit_v1", { function: function_, ...options }).id;
  },
  // A task of this plugin, or nothing.
  get(id) {
    return kit.ask("tasks_get_v1", { id }).task;
  },
  // The plugin's own tasks, newest first.
  list(options = {}) {
    const reply = kit.ask("tasks_list_v1", { ...options });
    return reply;
  },
  // Cancels a task that waits or runs; returns whether it did.
  cancel(id) {
    return kit.ask("tasks_cancel_v1", { id }).cancelled;
  },
};
