// Made from specs/doors by `python -m sdk.generate`; change it there.
// Read the plugin's settings.
nouns.config = {
  // One setting, checked against the `[config]` schema of the manifest, defaults included.
  get(key) {
    return kit.ask("config_get_v1", { key }).value;
  },
  // All settings.
  all() {
    return kit.ask("config_get_v1", {}).values;
  },
};
