// Made from specs/doors by `python -m sdk.generate`; change it there.
// Write to the plugin's log.
nouns.log = {
  // Writes a line, with its fields as `key=value` after the message. A line is cut at 8 KiB.
  write(level, message, options = {}) {
    kit.ask("log_write_v1", { level, message, ...options });
  },
};
