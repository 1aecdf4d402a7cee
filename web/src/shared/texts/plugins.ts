import { pluginCalls } from "./plugins-calls";
import { pluginCare } from "./plugins-care";
import { pluginGallery } from "./plugins-gallery";
import { pluginRights } from "./plugins-rights";
import { pluginRollout } from "./plugins-rollout";

const list = {
  title: "Plugins",
  lead: "What runs on this host, and what waits for you.",
  upload: "Upload",
  search: "Search plugins",
  searchHint: "Name, file or reason",
  stateFilter: "State",
  states: {
    "": "All",
    enabled: "Enabled",
    "needs-grant": "Needs a grant",
    "needs-review": "Needs a review",
    disabled: "Disabled",
    quarantined: "Quarantined",
    rejected: "Rejected",
  },
  columns: {
    name: "Name",
    state: "State",
    version: "Version",
    trust: "Trust",
    functions: "Functions",
    lastError: "Last error",
    file: "File",
    reason: "Why it cannot be used",
    error: "What it says",
  },
  trust: { sandboxed: "Sandboxed", native: "Native" },
  trustHint: {
    sandboxed: "It runs in a sandbox and reaches only what it was granted.",
    native: "It is Python code in the host's own process. Nothing holds it back.",
  },
  noErrors: "None",
  empty: "No plugin yet",
  emptyNext: "Drop a .wasm file anywhere on this page, or put it into the plugin folder.",
  emptyReader: "Ask an administrator to upload one.",
  nothingFound: "No matching plugins",
  nothingFoundNext: "Change what is searched for, or look at all of them.",
  showAll: "Show all plugins",
  noneRejected: "No file was rejected",
  noneRejectedNext: "A file in the plugin folder that cannot be used is listed here with the reason.",
};

const upload = {
  title: "Upload plugins",
  drop: "Drop files to upload them",
  area: "Drop .wasm files here, or choose them",
  areaHint:
    "A NAME.toml beside its NAME.wasm is its manifest. The host inspects a file before it runs anything of it.",
  choose: "Choose files",
  files: "Files",
  waiting: "Waits",
  sending: "Uploading",
  inspecting: "The host inspects it",
  taken: (name: string, version: string) =>
    version ? `${name} ${version} is taken in.` : `${name} is taken in.`,
  withManifest: (name: string) => `with ${name}`,
  lone: (name: string) => ({
    fact: `${name} has no module beside it`,
    remedy: "choose its .wasm file together with it",
  }),
  foreign: (name: string) => ({
    fact: `${name} is no part of a plugin`,
    remedy: "choose .wasm or .wat files, and their .toml",
  }),
  tooMany: (most: number) => ({
    fact: "These are too many files at once",
    remedy: `choose ${most} files or fewer`,
  }),
  review: "Review what it asks for",
  reviewUpgrade: "Review the upgrade",
  open: "Open",
  progress: (name: string) => `How much of ${name} is uploaded`,
};

const detail = {
  tabs: {
    overview: "Overview",
    functions: "Functions",
    permissions: "Permissions",
    upgrade: "Upgrade",
    config: "Configuration",
    logs: "Logs",
    versions: "Versions",
    rollout: "Rollout",
  },
  all: "All plugins",
  lead: (version: string, author: string) =>
    [version && `Version ${version}`, author && `by ${author}`].filter(Boolean).join(" "),
  waits: "Something waits for you",
};

const overview = {
  about: "About",
  noDescription: "No description.",
  author: "Author",
  version: "Version",
  hash: "Hash",
  serving: "Answers calls",
  servingNone: "None",
  servingSame: "This version",
  file: "File",
  trust: "Trust",
  functions: "Functions",
  lastError: "Last error",
  states: {
    enabled: { title: "It answers calls.", next: "" },
    "needs-grant": {
      title: "It waits for your approval.",
      next: "Review what it asks for, then grant or refuse it.",
    },
    "needs-review": {
      title: "New code waits for your approval.",
      next: "Review the changes, then approve them or keep the previous version.",
    },
    disabled: { title: "It is switched off.", next: "Enable it, and it answers calls again." },
    quarantined: {
      title: "It failed too often and is in quarantine.",
      next: "It is retried automatically. Read its log, or enable it to retry now.",
    },
    rejected: {
      title: "Its file cannot be used.",
      next: "Fix the file and upload it again, or remove it.",
    },
  },
  review: "Review what it asks for",
  reviewUpgrade: "Review the upgrade",
  toLogs: "Read its log",
  enable: "Enable",
  tryAgain: "Try again",
  disable: "Disable",
  disableTitle: (name: string) => `Disable ${name}?`,
  disableText: "Calls are refused until it is enabled again. Its stored data remains.",
  remove: "Remove",
  removeTitle: (name: string) => `Remove ${name}?`,
  removeText:
    "Its file, its manifest, its grants and everything it stored are deleted. This cannot be undone.",
  status: "Status",
  breaker: "Breaker",
  breakerStates: { closed: "Closed", open: "Open", "half-open": "Trying" },
  breakerHint: {
    closed: (failures: number, threshold: number) =>
      failures === 0
        ? `Calls pass. After ${threshold} failures in a row it rests.`
        : `Calls pass. ${failures} of ${threshold} failures in a row.`,
    open: () => "Calls are refused for now.",
    "half-open": () => "The next call decides.",
  },
  openUntil: "Open until",
  calls: "Calls since start",
  errors: "Failed",
  p95: "95th percentile",
  inFlight: "Running now",
  warm: "Warm sandboxes",
  warmOf: (count: string, size: string) => (count === "0" ? count : `${count} with ${size}`),
  limits: "Effective limits",
  callLimit: {
    title: "Calls on all hosts",
    none: "Not limited. omnicore plugins limit sets how many run at once and begin in a second.",
    atOnce: "At once, at most",
    held: (most: string, held: string) => `${most}, ${held} held now`,
    perSecond: "In a second, at most",
    set: "Set",
    by: (who: string) => `by ${who}`,
  },
  limitOrigins: { manifest: "Manifest", settings: "Default", most: "Maximum" },
  limitHead: { name: "Limit", value: "Value", origin: "Set by" },
  noLimit: "no limit",
  limitNames: {
    timeout_s: "Time of a call",
    fuel: "Instructions of a call",
    memory_bytes: "Memory",
    table_elements: "Table elements",
    input_bytes: "Input",
    output_bytes: "Output",
    log_bytes: "Log of a call",
    log_lines: "Log lines of a call",
    var_bytes: "Variables",
    host_calls: "Host calls of a call",
    http_requests: "HTTP requests of a call",
    http_request_bytes: "An HTTP request",
    http_response_bytes: "An HTTP answer",
    module_bytes: "The module's file",
    component_bytes: "A component's file",
    compile_s: "Time to compile",
    compile_bytes: "Memory to compile",
  } as Record<string, string>,
};

const figures = {
  title: "Where the time goes",
  ofHost: "of the host",
  columns: {
    name: "What",
    calls: "Calls",
    errors: "Failed",
    p50_ms: "p50",
    p95_ms: "p95",
    p99_ms: "p99",
    total_s: "In all",
  },
};

const kept = {
  title: "Calls",
  columns: {
    function: "Function",
    at: "When",
    outcome: "Outcome",
    took: "Took",
    memory: "Memory",
    host_calls: "Asked of the host",
    by: "By",
  },
  state: "State",
  anyState: "All states",
  states: { ok: "Succeeded", failed: "Failed", slow: "Slow" },
  search: "Words in error, caller or input",
  noneFound: "No such call is kept.",
  error: "Error",
  version: "Version",
  fuel: "Fuel",
  run: "Run",
  trace: "Trace",
  input: "Input",
  noInput: (size: string) => `${size}, not kept`,
  asked: "The call and what it asked of the host",
};

/** What the pages of plugins say. */
export const plugins = {
  list,
  upload,
  detail,
  overview,
  figures,
  kept,
  calls: pluginCalls,
  gallery: pluginGallery,
  rights: pluginRights,
  care: pluginCare,
  rollout: pluginRollout,
};
