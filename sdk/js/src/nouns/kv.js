// Made from specs/doors by `python -m sdk.generate`; change it there.
// Keep keys and values between calls.
nouns.kv = {
  // The value of a key, or nothing.
  get(key) {
    const reply = kit.ask("kv_get_v1", { key });
    if (Object.values(reply).every((value) => value === null)) return null;
    return { ...reply, value: kit.fromWire(reply.value) };
  },
  // Writes a value and returns its new version.
  put(key, value, options = {}) {
    return kit.ask("kv_put_v1", { key, value: kit.toWire(value), ...options }).version;
  },
  // Deletes a key; returns whether there was something.
  delete(key) {
    return kit.ask("kv_delete_v1", { key }).deleted;
  },
  // A page of keys, in the order of their bytes.
  list(options = {}) {
    const reply = kit.ask("kv_list_v1", { ...options });
    return reply;
  },
  // Writes only if the version is still the expected one, or with null only if the key does not exist.
  cas(key, expected, value, options = {}) {
    const reply = kit.ask("kv_cas_v1", { key, expected, value: kit.toWire(value), ...options });
    return reply;
  },
};
