/** Settings, logs and versions of plugins. */
export const pluginCare = {
  config: "Settings",
  noConfig: "It has no settings",
  noConfigNext: "A plugin says in its manifest which settings it has; this one says none.",
  configReader: "Its settings are for operators",
  configReaderNext: "Ask an administrator for the role of an operator with this plugin.",
  save: "Save",
  saved: "Saved. It holds from the next call on.",
  stored: "Stored here",
  storedHint: "Forget one, and it goes back to where it came from.",
  origin: { stored: "Stored here", settings: "The host's settings", default: "The plugin's default" },
  forget: "Forget",
  forgetOf: (name: string) => `Forget what is stored for ${name}`,
  secretHint: "It is never shown. Leave it to keep it.",

  logs: "Log",
  level: "Least level",
  levels: {
    trace: "All levels",
    debug: "Debug and up",
    info: "Info and up",
    warn: "Warnings and up",
    error: "Errors only",
  } as Record<string, string>,
  find: "Only lines with",
  pause: "Pause",
  resume: "Go on",
  clear: "Clear",
  toEnd: "Jump to the end",
  paused: (count: number) => (count === 0 ? "Paused" : `Paused, ${count.toLocaleString("en")} more`),
  live: "Live",
  connecting: "Connecting",
  reconnecting: "Reconnecting",
  closed: "Ended",
  lines: (shown: number, all: number) =>
    shown === all
      ? `${all.toLocaleString("en")} ${all === 1 ? "line" : "lines"}`
      : `${shown.toLocaleString("en")} of ${all.toLocaleString("en")} lines`,
  dropped: (count: number) =>
    `${count.toLocaleString("en")} ${count === 1 ? "line was" : "lines were"} left out, for they came too fast.`,
  forgotten: (count: number, most: number) =>
    `Only the last ${most.toLocaleString("en")} are kept here; ${count.toLocaleString("en")} before them are not shown.`,
  noLines: "It has logged nothing yet",
  noLinesNext: "Call one of its functions; what it logs shows up here at once.",
  noneFound: "No line is like that",
  noneFoundNext: "Take a lower level, or search for something else.",

  versions: "Versions",
  noVersions: "No version is kept",
  noVersionsNext: "Each usable version of its file is kept and listed here.",
  serving: "Answers calls",
  newest: "In the folder",
  turnedAway: "Turned away",
  functionCount: (count: number) => `${count.toLocaleString("en")} ${count === 1 ? "function" : "functions"}`,
  seen: "seen",
  unnamed: "No version name",
  rollBack: "Roll back",
  rollBackOf: (name: string) => `Roll back to ${name}`,
  rollBackTitle: (name: string) => `Roll back to ${name}?`,
  rollBackText:
    "This version is put back into the plugin folder and answers the next call. The other versions stay here, so that you can go forward again.",
  rolledBack: (name: string) => `${name} is back.`,
};
