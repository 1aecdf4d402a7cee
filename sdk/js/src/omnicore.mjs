// Made from specs/doors by `python -m sdk.generate`; change it there.
// What `import ... from "omnicore"` finds; the plugin is being built when it does.
export const { Bytes, DoorError, describe, log, config, kv, http, events, tasks, memory, vectors, connectors } = globalThis[Symbol.for("omnicore:kit")].nouns;
