// Made from specs/doors by `python -m sdk.generate`; change it there.
// Keep vectors and find the nearest.
nouns.vectors = {
  // Makes a collection; returns whether it is new. One that is there must have the same shape.
  create(collection, dimensions, options = {}) {
    return kit.ask("vectors_create_v1", { collection, dimensions, ...options }).created;
  },
  // Keeps vectors, all or none; returns how many.
  upsert(collection, vectors) {
    return kit.ask("vectors_upsert_v1", { collection, vectors }).count;
  },
  // The nearest vectors.
  search(collection, values, options = {}) {
    const reply = kit.ask("vectors_search_v1", { collection, values, ...options });
    return reply;
  },
  // Deletes vectors; returns how many there were.
  delete(collection, ids) {
    return kit.ask("vectors_delete_v1", { collection, ids }).deleted;
  },
};
