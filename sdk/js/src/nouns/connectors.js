// Made from specs/doors by `python -m sdk.generate`; change it there.
// Use the services the host is connected to.
nouns.connectors = {
  // The connectors the plugin may use.
  list() {
    return kit.ask("connectors_list_v1", {}).connectors;
  },
  // Lets a connector do something and returns what came of it.
  call(connector, action, options = {}) {
    return kit.ask("connectors_call_v1", { connector, action, ...options }).output;
  },
};
