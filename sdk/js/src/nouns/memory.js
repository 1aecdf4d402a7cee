// Made from specs/doors by `python -m sdk.generate`; change it there.
// Remember and recall by meaning, words and time.
nouns.memory = {
  // Remembers a text and returns its id. The same text again is the same memory.
  store(text, options = {}) {
    return kit.ask("memory_store_v1", { text, ...options }).id;
  },
  // The memories that fit best, best first.
  recall(options = {}) {
    return kit.ask("memory_recall_v1", { ...options }).items;
  },
  // One memory, or nothing.
  get(id) {
    return kit.ask("memory_get_v1", { id }).item;
  },
  // Forgets a memory; returns whether there was one.
  forget(id) {
    return kit.ask("memory_forget_v1", { id }).forgotten;
  },
};
