// Made from specs/openapi.json by `python -m sdk.generate`; change the host's operations, not this file.

/** The host whose document this client was made from. */
export const VERSION = "0.1.0";

/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

export interface Advisory {
  id: string;
  /** As it was published. */
  severity: "low" | "medium" | "high" | "critical" | "unknown";
  summary: string;
  /** Ranges of versions, such as `>=37.0.0 <37.0.3`. */
  affected: string;
}

export interface Alarm {
  /** Calls of functions, ended runs of a workflow, or tasks that wait in a queue. */
  kind: "function" | "workflow" | "queue";
  /** `plugin.function`, `plugin` or `*`; a workflow; a queue. */
  target: string;
  /** Counts and rates (0 to 1) within the window; `length` is that of a queue now. */
  figure: "calls" | "failures" | "error_rate" | "p95_ms" | "length";
  /** The alarm fires beyond it. */
  threshold: number;
  /** The side of the threshold that is wrong. */
  side: "above" | "below";
  /** It ends when the figure is back on the other side of this; null: of the threshold. */
  clear: number | null;
  /** The time that figures are about. */
  window_s: number;
  /** Rates and p95 of fewer calls or runs say nothing. */
  least_calls: number;
  /** `connector.action` that is done when it fires and when it ends. */
  connector: string | null;
  /** A workflow that is run when it fires and when it ends. */
  workflow: string | null;
  enabled: boolean;
  name: string;
  input: Json;
  /** Who stored it last. */
  changed_by: string;
  /** Seconds since the Unix epoch. */
  changed_at: number;
  state: "quiet" | "firing";
  /** When it came into this state. */
  since: number;
  /** The figure as it was last; null where it says nothing. */
  value: number | null;
  /** When that was. */
  checked_at: number | null;
  /** The state that the connector or workflow was told last. */
  told: "quiet" | "firing";
  /** Why it could not be told; empty where it was. */
  trouble: string;
}

export interface AlarmOrder {
  /** Calls of functions, ended runs of a workflow, or tasks that wait in a queue. */
  kind: "function" | "workflow" | "queue";
  /** `plugin.function`, `plugin` or `*`; a workflow; a queue. */
  target: string;
  /** Counts and rates (0 to 1) within the window; `length` is that of a queue now. */
  figure: "calls" | "failures" | "error_rate" | "p95_ms" | "length";
  /** The alarm fires beyond it. */
  threshold: number;
  /** The side of the threshold that is wrong. */
  side?: "above" | "below";
  /** It ends when the figure is back on the other side of this; null: of the threshold. */
  clear?: number | null;
  /** The time that figures are about. */
  window_s?: number;
  /** Rates and p95 of fewer calls or runs say nothing. */
  least_calls?: number;
  /** `connector.action` that is done when it fires and when it ends. */
  connector?: string | null;
  /** A workflow that is run when it fires and when it ends. */
  workflow?: string | null;
  enabled?: boolean;
  /** For the connector or workflow; null: what the event says. */
  input?: Json;
}

export interface Alarms {
  items: Alarm[];
}

export interface Approval {
  run: string;
  /** One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`. */
  place: string;
  workflow: string;
  title: string;
  text: string;
  /** JSON Schema of what is filled in; empty for nothing. */
  form: Record<string, Json>;
  /** The role that may decide. */
  role: string;
  /** Seconds since the Unix epoch. */
  deadline_at: number | null;
  /** Seconds since the Unix epoch. */
  asked_at: number;
}

export interface Approvals {
  items: Approval[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface Ask {
  name: string;
  scope: Record<string, Json>;
  reason: string;
  /** What a reviewer should look at twice. */
  warnings: string[];
}

export interface AuditCheck {
  /** Begin after this row, where an earlier check ended. */
  after?: number;
  /** A row that was noted elsewhere and must be there. */
  noted?: AuditCheckNoted;
}

/** A row that was noted elsewhere and must be there. */
export interface AuditCheckNoted {
  seq: number;
  /** SHA-256, in hexadecimal digits. */
  hash: string;
}

export interface AuditRow {
  /** Seconds since the Unix epoch. */
  at: number;
  /** Who: a user or token, `cli` users, `folder`, or `host`. */
  actor: string;
  /** session, token, setting, local, cli, folder, host or anonymous. */
  via: string;
  /** Name of the operation or the command. */
  action: string;
  /** What it was about, such as plugin:text. */
  target: string;
  /** A JSON value without secrets, null where there is none; what is long by its digest. */
  before: Json;
  /** A JSON value without secrets, null where there is none; what is long by its digest. */
  after: Json;
  /** `unknown`: the process ended before the change did. */
  outcome: "done" | "refused" | "failed" | "unknown";
  /** The address, or for commands the machine. */
  from: string;
  /** Counts the rows, without a gap. */
  seq: number;
  /** SHA-256, in hexadecimal digits. */
  hash: string;
}

export interface AuditRows {
  items: AuditRow[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface AuditVerdict {
  ok: boolean;
  /** Whether it came to the end in the time of a request. */
  complete: boolean;
  /** Rows that were read. */
  rows: number;
  /** The last row that was read; note it elsewhere, or go on after it. */
  last: AuditVerdictLast;
  /** The first row that is wrong or missing. */
  broken_at: number | null;
  reason: string;
}

/** The last row that was read; note it elsewhere, or go on after it. */
export interface AuditVerdictLast {
  seq: number;
  /** SHA-256, in hexadecimal digits. */
  hash: string;
}

export interface Backup {
  name: string;
  size_bytes: number;
  /** Seconds since the Unix epoch. */
  made_at: number;
  /** Only a ready one can be restored. */
  state: "ready" | "making";
}

export interface Backups {
  items: Backup[];
  /** How many are kept at most. */
  most: number;
  staged: StagedRestore | null;
  restored: RestoreOutcome | null;
  /** Why the last backup was not made; empty when it was. */
  failed: string;
}

export interface Breaker {
  state: "closed" | "open" | "half-open";
  /** In a row, whoever called. */
  failures: number;
  /** How many of several callers open it, or of one have that one refused. */
  threshold: number;
  /** Callers whose calls are refused for failures of theirs alone. */
  refused: number;
  /** Seconds since the Unix epoch; null while calls pass. */
  open_until: number | null;
}

export interface Budget {
  calls?: number | null;
  seconds?: number | null;
  /** Wasm instructions, of plugins whose limits count them. */
  fuel?: number | null;
  /** Seconds. */
  period_s?: number;
}

export interface CallCost {
  time_ms: number;
  /** Instructions; null where the plugin has no limit of fuel. */
  fuel: number | null;
  /** Of the sandbox after the call; null where it is not known. */
  memory_bytes: number | null;
  /** By verb, such as kv.get. */
  host_calls: Record<string, number>;
}

export interface CallLimitOrder {
  /** Calls that may run at once on all hosts. */
  concurrent?: number | null;
  /** Calls that may begin in a second on all hosts. */
  per_second?: number | null;
}

export interface CallLimitView {
  /** Calls that may run at once; null for any number. */
  concurrent: number | null;
  /** Calls that may begin in a second; null for any number. */
  per_second: number | null;
  /** Places that hosts hold now, for calls that run or may begin. */
  held: number;
  /** Who set them; null where nothing is limited. */
  who: string | null;
  /** When; seconds since the Unix epoch. */
  at: number | null;
}

export interface Change {
  capability: string;
  change: "new" | "wider" | "narrower" | "dropped";
  /** What the newest version asks for; empty for what it dropped. */
  asked: Record<string, Json>;
  /** What it has; of a narrower or dropped one what was asked before. */
  granted: Record<string, Json> | null;
  reason: string;
  /** The command that grants it; empty where nothing is to be granted. */
  command: string;
  /** What a reviewer should look at twice. */
  warnings: string[];
}

export interface Changes {
  items: Change[];
}

/** CloudEvents 1.0, with extension attributes of 1 to 40 of a-z 0-9. */
export interface CloudEvent {
  specversion: "1.0";
  /** With `source`: a second one of the same has no effect. */
  id: string;
  /** A URI reference; not one of this host's, `omnicore:...`. */
  source: string;
  type: string;
  subject?: string;
  time?: string;
  datacontenttype?: string;
  dataschema?: string;
  data?: Json;
  data_base64?: string;
}

export interface CodeChange {
  exports: NameChanges;
  imports: NameChanges;
}

export interface Collection {
  /** A plugin, or `@host`. */
  owner: string;
  name: string;
  dimensions: number;
  metric: "cosine" | "l2" | "dot";
  count: number;
  /** Seconds since the Unix epoch. */
  created_at: number;
}

export interface CollectionIndex {
  /** A plugin, or `@host`. */
  owner: string;
  name: string;
  dimensions: number;
  metric: "cosine" | "l2" | "dot";
  count: number;
  /** Seconds since the Unix epoch. */
  created_at: number;
  /** True while the collection is held in memory. */
  in_memory: boolean;
  /** Vectors in the index; 0 where searches compare all. */
  indexed: number;
  /** The reason why there is no index; else empty. */
  reason: string;
  /** Rows and bytes of the copy on disk, or its error. */
  copy: Record<string, Json> | null;
}

export interface CollectionOrder {
  name: string;
  /** The setting vectors.dimensions when left out. */
  dimensions?: number | null;
  /** cosine when left out. */
  metric?: "cosine" | "l2" | "dot";
}

export interface Collections {
  items: Collection[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface Connector {
  name: string;
  kind: string;
  config: Record<string, Json>;
  /** Where each is: `vault:`, `env:` or `file:` and a name. Never a value. */
  credentials: Record<string, string>;
  limits: ConnectorLimits;
  version: number;
  /** Seconds since the Unix epoch. */
  added_at: number;
  /** Seconds since the Unix epoch. */
  changed_at: number;
  /** Breaker and figures since the host began; null: not used. */
  state: Record<string, Json> | null;
}

export interface ConnectorAction {
  name: string;
  description: string;
  /** JSON Schema of the input. */
  input: Record<string, Json>;
  /** JSON Schema of the output. */
  output: Record<string, Json>;
  /** Whether it may be sent again after a failure. */
  repeat: "never" | "always" | "keyed";
}

export interface ConnectorActions {
  items: ConnectorAction[];
}

export interface ConnectorCall {
  input?: Json;
  timeout_s?: number;
}

export interface ConnectorChange {
  config?: Record<string, Json> | null;
  /** Values, or references to them. They cannot be read back. */
  secrets?: Record<string, string> | null;
  limits?: ConnectorChangeLimits;
}

export interface ConnectorChangeLimits {
  timeout_s?: number;
  retries?: number;
  concurrency?: number;
  waiting?: number;
  rate?: number;
  plugin_rate?: number;
  output_bytes?: number;
  breaker_failures?: number;
  breaker_reset_s?: number;
}

export interface ConnectorKind {
  name: string;
  /** The service's own name. */
  title: string;
  description: string;
  /** Where the service documents its interface, where it is known. */
  docs: string;
  /** JSON Schema of the settings. */
  config: Record<string, Json>;
  /** What each credential is. */
  secrets: Record<string, string>;
  required_secrets: string[];
  /** Limits of its connectors that set none. */
  limits: Record<string, Json>;
  /** The rule that proves its deliveries. */
  webhook: "github" | "gitlab" | "telegram" | "discord" | "standard" | "stripe" | "slack" | "shopify" | "linear" | "pagerduty" | "jira" | "hmac" | "token";
  actions: ConnectorAction[];
  /** Why this host cannot use the kind. */
  problem?: string;
}

export interface ConnectorKindOrder {
  /** The service as data, as `specs/connector.md` has it. */
  description: Record<string, Json>;
  /** Whether it takes the place of a kind of its name. */
  replace?: boolean;
}

export interface ConnectorKinds {
  items: ConnectorKind[];
}

export interface ConnectorLimits {
  timeout_s?: number;
  retries?: number;
  concurrency?: number;
  waiting?: number;
  rate?: number;
  plugin_rate?: number;
  output_bytes?: number;
  breaker_failures?: number;
  breaker_reset_s?: number;
}

export interface ConnectorOrder {
  config?: Record<string, Json> | null;
  /** Values, or references to them. They cannot be read back. */
  secrets?: Record<string, string> | null;
  limits?: ConnectorOrderLimits;
  name: string;
  kind: string;
}

export interface ConnectorOrderLimits {
  timeout_s?: number;
  retries?: number;
  concurrency?: number;
  waiting?: number;
  rate?: number;
  plugin_rate?: number;
  output_bytes?: number;
  breaker_failures?: number;
  breaker_reset_s?: number;
}

export interface ConnectorOutput {
  /** A JSON value. */
  output: Json;
}

export interface ConnectorTest {
  ok: boolean;
  /** Seconds. */
  took_s: number | null;
  error: Record<string, Json> | null;
}

export interface ConnectorUse {
  id: string;
  connector: string;
  action: string;
  /** `plugin:NAME`, `rest`, `alerts` or `cli:NAME`. */
  who: string;
  /** Seconds since the Unix epoch. */
  at: number;
  /** Seconds. */
  took_s: number | null;
  attempts: number;
  /** begun, ok, cancelled or the code of an error. */
  outcome: string;
}

export interface ConnectorUses {
  items: ConnectorUse[];
  next: string | null;
}

export interface Connectors {
  items: Connector[];
}

export interface Consolidated {
  moved: ConsolidatedMovedItem[];
  linked: number;
  expired: number;
  evicted: number;
  purged: number;
  embedded: number;
  facts: number;
}

export interface ConsolidatedMovedItem {
  from_tier: "immediate" | "short_term" | "session" | "episodic" | "semantic" | "procedural" | "strategic" | "civilizational" | "evolutionary" | "planetary" | "galactic" | "cosmic";
  to_tier: "immediate" | "short_term" | "session" | "episodic" | "semantic" | "procedural" | "strategic" | "civilizational" | "evolutionary" | "planetary" | "galactic" | "cosmic";
  count: number;
}

export interface Credentials {
  name: string;
  password: string;
}

export interface Cycle {
  cycle_id: string;
  loop_type: "reflexive" | "reactive" | "adaptive" | "deliberative" | "evolutionary" | "transformative" | "transcendent";
  success: boolean;
  results: Record<string, Json>;
  insights: Record<string, Json>[];
  actions: CycleAction[];
  next_objectives: string[];
  /** Seconds. */
  duration_s: number;
}

export interface CycleAction {
  by: string;
  verb: string;
  input: Record<string, Json>;
  /** done, refused or failed. */
  status: string;
  result: Json;
}

export interface CycleOrder {
  /** What the cycle works on. */
  data?: Record<string, Json>;
  context?: string;
  /** Texts for handlers. */
  objectives?: string[];
}

export interface Decision {
  /** One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`. */
  place: string;
  approve: boolean;
  /** What the form asks for. */
  form?: Json;
}

export interface Draft {
  /** Name of the workflow; `~` and a name of its own for a new one. */
  draft: string;
  /** Another one after each change; the next change names it. */
  revision: string;
  /** As it was typed, valid or not. Left out of lists. */
  text: string;
  /** The version that was edited; 0 for a new workflow. */
  number: number;
  /** Of that version. */
  digest: string;
  /** Seconds since the Unix epoch. */
  changed_at: number;
}

export interface DraftChange {
  /** YAML or JSON, valid or not. */
  text: string;
  /** Of the draft that this one follows; empty for the first. */
  revision?: string;
  /** The edited version; 0 for a new workflow. */
  number?: number;
  /** Of that version. */
  digest?: string;
}

export interface DraftLine {
  /** Name of the workflow; `~` and a name of its own for a new one. */
  draft: string;
  /** Another one after each change; the next change names it. */
  revision: string;
  /** The version that was edited; 0 for a new workflow. */
  number: number;
  /** Of that version. */
  digest: string;
  /** Seconds since the Unix epoch. */
  changed_at: number;
}

export interface DraftShown {
  draft: Draft | null;
  others: DraftShownOthersItem[];
}

export interface DraftShownOthersItem {
  who: string;
  /** Seconds since the Unix epoch. */
  changed_at: number;
}

export interface Drafts {
  items: DraftLine[];
}

export interface Edit {
  kind: "retry" | "catch" | "skip" | "swap" | "drop" | "merge" | "cache";
  at: string;
}

export interface Engine {
  name: string;
  version: string;
  advisories: Advisory[];
}

export interface Event {
  id: string;
  topic: string;
  /** A part of the host, or the plugin that published it. */
  source: string;
  /** Seconds since the Unix epoch. */
  at: number;
  /** 0 for an event of the host itself. */
  hops: number;
  data: Json;
}

export interface Events {
  items: Event[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface Evolution {
  id: string;
  workflow: string;
  state: "running" | "done" | "stopped";
  /** Why it ended, or what its result lacks. */
  reason: string;
  who: string;
  /** How many candidates the search makes at most. */
  wanted: number;
  /** Candidates so far. */
  count: number;
  /** The candidate that may be promoted. */
  best: number | null;
  /** Of the best over the seed, on the cases held out. */
  gain: number | null;
  /** The gain is above this with 97.5 % confidence. */
  least_gain: number | null;
  /** The candidate that became a version of the workflow. */
  promoted: number | null;
  /** The version of the workflow before that. */
  before: number | null;
  /** Seconds since the Unix epoch. */
  created_at: number;
  /** Seconds since the Unix epoch. */
  ended_at: number | null;
  /** The version that the promoted candidate is. */
  version: number | null;
  /** Per cent of the runs that it gets while it is tried; null: it is not tried. */
  share: number | null;
  /** Of its runs that must have ended before it serves all. */
  runs: number | null;
  /** Seconds since the Unix epoch. */
  promoted_at: number | null;
}

export interface EvolutionCanary {
  /** Per cent of the runs. */
  share?: number;
  /** Of its runs that end before it may serve all. */
  runs?: number;
}

export interface EvolutionCandidate {
  evolution: string;
  number: number;
  /** -1 for the first. */
  parent: number;
  proposer: string;
  genes: Genes;
  /** dropped: after a part of the cases; dead: before any, it was refused or does not compile. */
  state: "judged" | "dropped" | "dead";
  reason: string;
  /** The part of the cases for training that it gets right. */
  quality: number;
  /** The mean score of these, with what is nearly right. */
  fitness: number;
  cost: number;
  seconds: number;
  /** Of the cases for training, in their order. */
  scores: number[];
  /** Of the cases held out, for those that came so far. */
  held: number[] | null;
  /** Of the model that proposed it; 0: none did. */
  tokens: number;
}

export interface EvolutionCandidates {
  items: EvolutionCandidate[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface EvolutionCase {
  input?: Json;
  expect?: Json;
}

export interface EvolutionDocument {
  document: Record<string, Json>;
}

export interface EvolutionJudge {
  kind?: "exact" | "number" | "function";
  tolerance?: number;
  function?: string;
}

export interface EvolutionModel {
  /** A connector with the action `chat`. */
  connector: string;
  /** Instead of the connector's own. */
  model?: string;
  /** How often it is asked at most. */
  calls?: number;
  /** Of all questions and answers. It is not asked when they may run out. */
  tokens?: number;
  /** Of one answer, at most. */
  answer_tokens?: number;
  /** Seconds that an answer may take. */
  answer_s?: number;
}

export interface EvolutionOrder {
  /** The definition to begin with: a document, or its YAML text. */
  workflow: Json;
  /** The task set. */
  cases: EvolutionCase[];
  knobs?: Knob[];
  /** Changes of the graph that the search may make. */
  edits?: ("cache" | "catch" | "drop" | "merge" | "retry" | "skip" | "swap")[];
  judge?: EvolutionJudge;
  /** Proposes candidates as well; null: none is asked. */
  model?: EvolutionModel | null;
  /** With `cost`, what is as good and does less is proposed as well. */
  objectives?: ("cost" | "quality")[];
  /** Optuna's, which draws numbers and choices. */
  sampler?: "tpe" | "nsga2";
  /** Of PPO after eight candidates, to learn who proposes; 0: wins are counted. */
  policy_steps?: number;
  /** Promotes what is proposed by itself, with a trial; null: a person does. */
  promotion?: EvolutionCanary | null;
  /** How many the search makes at most. */
  candidates?: number;
  /** Seconds that a case may take. */
  case_s?: number;
  /** The gain that must be exceeded. */
  margin?: number;
  seed?: number;
}

export interface Evolutions {
  items: Evolution[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface Executed {
  /** A JSON value, text, or {"base64": ...} for bytes. */
  output: Json;
}

export interface Execution {
  /** A JSON value, or {"base64": ...} alone for bytes. */
  input?: Json;
  /** Needed when the plugin has several. */
  function?: string | null;
}

export interface ExpressionOrder {
  /** jq, with or without `${ }`. */
  expression: string;
  /** What `.` is. */
  data?: Json;
  /** By their names, without `$`. */
  variables?: Record<string, Json>;
}

export interface ExpressionValue {
  value: Json;
}

export interface Fact {
  id: string;
  /** In lower case; `@me` for whoever spoke where nobody was named. */
  subject: string;
  attribute: string;
  value: string;
  /** From when on it holds, as far as anybody said. */
  since: number;
  /** When another value took its place, or somebody said it ended. */
  until: number | null;
  /** Seconds since the Unix epoch. */
  said_at: number;
  speaker: string | null;
  /** The memory in which it was said. */
  memory: string | null;
  /** Another value was said of the same time. */
  disputed: boolean;
  /** The user who said it; facts of two users never meet. */
  user: string | null;
  agent: string | null;
  session: string | null;
  app: string | null;
}

export interface Feature {
  name: string;
  description: string;
  enabled: boolean;
  /** Why it is off. */
  reason: string;
  needs: string[];
  has_fallback: boolean;
  fallbacks_used: number;
}

export interface FleetHost {
  /** Stands for its key pair; the same after a restart. */
  id: string;
  name: string;
  version: string;
  /** URL at which other hosts reach it. */
  address?: string | null;
  /** Words by which plugins are placed. */
  labels?: Record<string, string>;
  /** Seconds since the Unix epoch. */
  started_at: number;
  /** Seconds since the Unix epoch. */
  seen_at: number;
  /** `away`: it was not seen for 15 s. */
  state?: "ready" | "cordoned" | "draining" | "drained" | "away";
  /** The state that it was told to take. */
  wanted?: "ready" | "cordoned" | "drained";
  load?: HostLoad;
}

export interface FleetHostView {
  /** Stands for its key pair; the same after a restart. */
  id: string;
  name: string;
  version: string;
  /** URL at which other hosts reach it. */
  address?: string | null;
  /** Words by which plugins are placed. */
  labels?: Record<string, string>;
  /** Seconds since the Unix epoch. */
  started_at: number;
  /** Seconds since the Unix epoch. */
  seen_at: number;
  /** `away`: it was not seen for 15 s. */
  state?: "ready" | "cordoned" | "draining" | "drained" | "away";
  /** The state that it was told to take. */
  wanted?: "ready" | "cordoned" | "drained";
  load?: HostLoad;
  plugins: HostPlugin[];
}

export interface FleetHosts {
  items: FleetHost[];
}

export interface FleetJoin {
  /** Id of the token, which itself is never sent. */
  token: string;
  /** The host's Ed25519 key. */
  public_key: string;
  /** X25519 key for this one use. */
  exchange_key: string;
  /** HMAC-SHA256 by the token's key. */
  proof: string;
}

export interface FleetJoined {
  /** X25519 key of the answering host. */
  exchange_key: string;
  /** Nonce and AES-256-GCM text, in base64. */
  sealed: string;
}

export interface Function {
  description: string;
  /** JSON Schema of the input; null for bytes. */
  input: Record<string, Json> | null;
  /** JSON Schema of the output; null for bytes. */
  output: Record<string, Json> | null;
  input_media: string;
  output_media: string;
}

export interface FunctionChange {
  name: string;
  before: Function;
  after: Function;
}

export interface FunctionChanges {
  added: string[];
  removed: string[];
  changed: FunctionChange[];
}

export interface FunctionFigures {
  plugin: string;
  /** Called by others, or asked of the host. */
  kind: "function" | "host";
  /** A function, or a verb of a capability such as kv.get. */
  name: string;
  calls: number;
  /** Calls that did not end well, whoever is to blame. */
  errors: number;
  p50_ms: number | null;
  /** No call in 20 took longer. */
  p95_ms: number | null;
  p99_ms: number | null;
  /** Seconds of all calls together. */
  total_s: number;
}

export interface FunctionFiguresList {
  items: FunctionFigures[];
}

export interface GalleryCapability {
  name: string;
  scope: Record<string, Json>;
  reason: string;
}

export interface GalleryEntry {
  name: string;
  index: string;
  description: string;
  author: string;
  /** There is one, at `/api/v1/gallery/{package}/icon`. */
  icon: boolean;
  newest: GalleryVersion;
  /** The version that is here; null if none is. */
  installed: string | null;
  /** The newest version is higher than the one that is here. */
  newer: boolean;
}

export interface GalleryIndex {
  name: string;
  plugins: number;
  /** Why it cannot be read, if so. */
  problem: string;
}

export interface GalleryPage {
  items: GalleryEntry[];
  next: string | null;
  indexes: GalleryIndex[];
}

export interface GalleryPlugin {
  entry: GalleryEntry;
  /** The newest ones, the newest first. */
  versions: GalleryVersion[];
  /** The beginning of README.md as it is written; nobody has checked it. */
  readme: string;
}

export interface GalleryVersion {
  version: string;
  /** What is looked at and installed. */
  reference: string;
  size_bytes: number;
  added_at: number;
  capabilities: GalleryCapability[];
  functions: string[];
  languages: string[];
  licence: string;
  /** Who signed it, by names that the owner gave, else the index. */
  publisher: string;
  /** The owner's policy accepts these publishers. */
  verified: boolean;
  /** Why, or why not. The package itself is checked when it is looked at. */
  trust: string;
  revoked: boolean;
  advisories: IndexAdvisory[];
}

export interface Genes {
  values: Record<string, Json>;
  edits?: Edit[];
}

export interface Grant {
  capability: string;
  scope: Record<string, Json>;
  granted_by: string;
  granted_at: number;
}

export interface GrantOrder {
  /** What to grant; null or absent for all that is asked. */
  capability?: string | null;
  /** Of the version that was looked at: 409 when another one is the newest. */
  digest?: string | null;
}

export interface Grants {
  state: "enabled" | "needs-grant" | "needs-review" | "disabled" | "quarantined" | "rejected";
  asked: Ask[];
  granted: Grant[];
}

export interface GuardReading {
  /** The guard, as it was given. */
  guard: string;
  figure: "errors" | "p95";
  /** waits: not enough calls in this step yet to judge. */
  state: "holds" | "waits" | "failed";
  /** Of the new version, in per cent or milliseconds. */
  measured: number | null;
  /** Of the version that served, for comparison. */
  before: number | null;
  /** What the new version must stay below; null while it is unknown. */
  most: number | null;
  /** Why it waits or failed. */
  says: string;
}

export interface Health {
  /** That of the worst part; parts that are not critical count half. */
  overall: "Healthy" | "Degraded" | "Unhealthy";
  /** Seconds since the Unix epoch. */
  at: number;
  subsystems: Record<string, Subsystem>;
  features: Feature[];
}

export interface Host {
  name: string;
  version: string;
  /** Seconds since the Unix epoch. */
  started_at: number;
  uptime_s: number;
  python: string;
  platform: string;
  /** Where it runs: local, container, kubernetes or edge. */
  environment: string;
  /** Its data folder. */
  data: string;
  /** The database, without its password. */
  storage: string;
  engines: Engine[];
  /** The day of the list of advisories that came with this version. */
  advisories_of: string;
  /** Plugins by state. */
  counts: Record<string, number>;
}

export interface HostCallNote {
  /** Such as kv.get. */
  verb: string;
  /** After the call began. */
  begin_ms: number;
  time_ms: number;
  /** `ok`, or the code of the refusal. */
  outcome: string;
}

export interface HostLines {
  items: LogLine[];
}

export interface HostLoad {
  /** Plugin calls under way. */
  calls?: number;
  /** Tasks that run. */
  tasks?: number;
  /** Runs of workflows in memory. */
  runs?: number;
  /** Processor cores in use since the last beat. */
  cpu?: number;
  /** Resident memory of the process. */
  memory_bytes?: number;
}

export interface HostOrder {
  /** `cordoned` takes no new tasks and runs, `drained` gives all back and refuses calls, `ready` works again. */
  state: "ready" | "cordoned" | "drained";
}

export interface HostPlugin {
  plugin: string;
  /** SHA-256 of the accepted version. */
  wanted: string;
  /** SHA-256 of the version in service there, if any. */
  loaded: string | null;
  /** As that host has it; empty while nothing is loaded. */
  state: string;
  /** Seconds since the Unix epoch. */
  since: number | null;
  /** The reason why another version than the wanted one answers there, or none. */
  lags: string;
  /** Labels that a host needs to serve it; null: every host serves it. */
  placement?: Record<string, string> | null;
  /** This host has not all of these labels. */
  elsewhere?: boolean;
}

export interface IndexAdvisory {
  id: string;
  plugin: string;
  affected: string[];
  severity: string;
  summary: string;
  revoked: boolean;
}

export interface InstallOrder {
  /** `oci://HOST/NAME:VERSION`, `https://HOST/FILE#sha256=DIGEST`, or `NAME[@VERSION]` of an index. */
  reference: string;
  /** Of the package that was looked at: 409 when it is another one by now. */
  digest: string;
  /** The version that serves goes on until this one is approved. */
  hold?: boolean;
  /** Install it although nobody whom the owner trusts signed it, where the policy asks. */
  accept_publisher?: boolean;
}

export interface Intelligence {
  id: string;
  name: string;
  version: number;
  spec: IntelligenceSpec;
  status: "Ready" | "Unverified" | "MissingCapabilities";
  /** Each required word with the functions that provide it. */
  capabilities: Record<string, string[]>;
  /** Required words that nobody provides. */
  missing: string[];
  /** Seconds since the Unix epoch. */
  created_at: number;
  /** Seconds since the Unix epoch. */
  retired_at: number | null;
  /** The result of its last evaluation. */
  score: number | null;
}

export interface IntelligenceAnswer {
  /** A JSON value, text, or {"base64": ...} for bytes. */
  output: Json;
}

export interface IntelligenceCall {
  capability: string;
  /** A JSON value for the function. */
  input?: Json;
}

export interface IntelligenceSpec {
  name: string;
  /** The score that an evaluation has to show. */
  min_capability?: number;
  /** Words that functions provide, or references like `text.summarise`. */
  required_capabilities?: string[];
  /** Milliseconds that one call may take; null for the plugin's own limit. */
  max_inference_time?: number | null;
  architecture?: "single" | "retry" | "fallback" | "vote";
  budget?: Budget;
  /** Tiers that it may remember and recall in. */
  memory_tiers?: ("immediate" | "short_term" | "session" | "episodic" | "semantic" | "procedural" | "strategic" | "civilizational" | "evolutionary" | "planetary" | "galactic" | "cosmic")[];
  description?: string;
  /** Refuse it when something it requires is not there. */
  strict?: boolean;
}

export interface Intelligences {
  items: Intelligence[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface KeptCall {
  id: string;
  plugin: string;
  function: string;
  /** As the plugin's manifest says. */
  version: string;
  /** Of the module that answered. */
  hash: string;
  state: "ok" | "failed";
  /** `ok`, or the code of the error. */
  code: string;
  /** The fact of the error, shortened; empty where it went well. */
  error: string;
  /** Who called, such as `user 7`, `plugin text` or `workflow pay`. */
  by: string;
  /** The run of a workflow whose step called. */
  run: string | null;
  /** The place of that step. */
  place: string | null;
  /** The id of its trace, where traces are collected. */
  trace: string | null;
  /** Seconds since the Unix epoch. */
  at: number;
  time_ms: number;
  /** It took long, and was kept for that. */
  slow: boolean;
  /** Instructions; null where they are not counted. */
  fuel: number | null;
  memory_bytes: number | null;
  /** How often it called the host. */
  host_calls: number;
  /** The last things that it asked of the host. */
  asked: HostCallNote[];
  input_bytes: number;
  /** How its input begins, without secrets; null unless the host keeps it. */
  input: string | null;
}

export interface KeptCalls {
  items: KeptCall[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface Knob {
  name: string;
  at: string;
  kind: "int" | "float" | "choice" | "jq" | "javascript" | "text";
  /** Of a number. */
  least?: number | null;
  most?: number | null;
  /** Of a choice. */
  values?: Json[];
}

export interface Lane {
  /** Null for all lanes as one. */
  lane: "reflexive" | "reactive" | "adaptive" | "deliberative" | "evolutionary" | "transformative" | "transcendent" | null;
  /** True if it runs by itself. */
  scheduled: boolean;
  running: boolean;
  cycles_completed: number;
  failures: number;
  /** Seconds since the Unix epoch. */
  last_run_at: number | null;
  /** Seconds since the Unix epoch. */
  next_run_at: number | null;
  /** Seconds. */
  avg_duration_s: number;
  handlers: string[];
}

export interface Lanes {
  items: Lane[];
}

export interface LimitChange {
  from: Json;
  to: Json;
}

export interface LimitInForce {
  value: Json;
  origin: "manifest" | "settings" | "most";
}

export interface LogFrame {
  plugin: string;
  /** Seconds since the Unix epoch. */
  at: number;
  level: string;
  message: string;
  /** Lines left out before this one, for they came too fast. */
  dropped: number;
}

export interface LogLine {
  /** Seconds since the Unix epoch. */
  at: number;
  level: string;
  message: string;
}

export interface LogLines {
  items: LogLine[];
  /** Lines let go. */
  dropped: number;
  /** Pass it as `after` for what comes later. */
  next: number;
}

export interface LoggedIn {
  id: string;
  via: "password" | "oidc";
  /** Address. */
  from: string;
  /** What the browser calls itself. */
  agent: string;
  /** Seconds since the Unix epoch. */
  created_at: number;
  /** To the minute, in seconds since the Unix epoch. */
  seen_at: number;
  /** Seconds since the Unix epoch. */
  expires_at: number;
  user: string;
  /** It is the one that asks. */
  current: boolean;
}

export interface LookOrder {
  /** `oci://HOST/NAME:VERSION` or `https://HOST/FILE#sha256=DIGEST`. */
  reference: string;
}

export interface Match {
  id: string;
  /** By the collection's metric; 0 is the same. */
  distance: number;
  metadata: Record<string, Json>;
}

export interface Matches {
  matches: Match[];
  /** False when an index answered, which may miss some. */
  exact: boolean;
}

export interface Memories {
  items: Memory[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface MemoriesErased {
  /** Memories, those that were made of others among them. */
  memories: number;
  /** Facts that were said in none of these memories. */
  facts: number;
  /** Core blocks. */
  blocks: number;
}

export interface MemoriesForgotten {
  forgotten: string[];
}

export interface Memory {
  id: string;
  /** A plugin, `@host`, or `@shared`. */
  owner: string;
  tier: "immediate" | "short_term" | "session" | "episodic" | "semantic" | "procedural" | "strategic" | "civilizational" | "evolutionary" | "planetary" | "galactic" | "cosmic";
  text: string;
  importance: number;
  /** True if the host judged its importance. */
  judged: boolean;
  /** Seconds since the Unix epoch. */
  created_at: number;
  /** Seconds since the Unix epoch. */
  accessed_at: number;
  hits: number;
  metadata: Record<string, Json>;
  /** Who wrote it: a plugin, or the host. */
  writer: string;
  /** The call in which it was written. */
  call: string | null;
  source: string | null;
  user: string | null;
  agent: string | null;
  session: string | null;
  app: string | null;
  /** `quarantined` until a person approves it. */
  state: "live" | "quarantined";
  pinned: boolean;
  expires_at: number | null;
  valid_from: number | null;
  valid_to: number | null;
  superseded_by: string | null;
  /** The probability that it answers the question, 0 to 1. */
  score: number | null;
  /** Without a question empty. The shares of `rank`, by which results are ordered, and the signals of `score`: `cosine`, and the share of the question's words, rare ones counting more, that it holds (`covered`), or it and its neighbours (`around`). */
  explain: Record<string, number>;
  edges?: MemoryEdge[];
}

export interface MemoryBlock {
  name: string;
  text: string;
  /** Counts its changes from 1; a writer sends the one that it read. */
  version: number;
  /** Seconds since the Unix epoch. */
  changed_at: number;
  /** Who wrote this version. */
  changed_by: string;
  id: string;
  /** A plugin, or `@host`. */
  owner: string;
  user: string | null;
  agent: string | null;
  session: string | null;
  app: string | null;
}

export interface MemoryBlockOrder {
  text?: string | null;
  /** An earlier version, in place of a text. */
  restore?: number | null;
  /** The version that you read and change; 0 makes a new block. */
  version?: number;
}

export interface MemoryBlockVersion {
  version: number;
  text: string;
  /** Seconds since the Unix epoch. */
  changed_at: number;
  /** Who wrote this version. */
  changed_by: string;
}

export interface MemoryBlockVersions {
  items: MemoryBlockVersion[];
}

export interface MemoryBlocks {
  items: MemoryBlock[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface MemoryChange {
  pinned?: boolean | null;
  approved?: true | null;
  superseded_by?: string | null;
}

export interface MemoryEdge {
  from: string;
  relation: string;
  to: string;
  note: string;
}

export interface MemoryEntity {
  name: string;
  /** The facts, by the time from when on they hold. */
  facts: Fact[];
  /** What mentions it or was said by it, the oldest first. */
  memories: Memory[];
}

export interface MemoryErasure {
  /** The user whose it is. */
  user?: string | null;
  /** The agent whose it is. */
  agent?: string | null;
  /** The session in which it was said. */
  session?: string | null;
  /** The application whose it is. */
  app?: string | null;
  /** What the metadata must fulfil: values by name, or operators such as `{"$gte": 2020}`; `$and`, `$or` and `$not` take filters. */
  filter?: Record<string, Json> | null;
}

export interface MemoryFactOrder {
  /** The user whose it is. */
  user?: string | null;
  /** The agent whose it is. */
  agent?: string | null;
  /** The session in which it was said. */
  session?: string | null;
  /** The application whose it is. */
  app?: string | null;
  /** Such as `Ada`, or `@me`. */
  about: string;
  /** Such as `home`. */
  attribute: string;
  value: string;
  /** From when on it holds; now when left out. */
  since?: number | null;
  /** True says that the value holds no more. */
  ends?: boolean;
}

export interface MemoryFactStated {
  id: string;
}

export interface MemoryFacts {
  items: Fact[];
}

export interface MemoryImported {
  pack: string;
  version: string;
  /** Memories that it brought, or that were there. */
  memories: number;
  /** Memories of older versions that are gone. */
  replaced: number;
}

export interface MemoryOrder {
  /** The user whose it is. */
  user?: string | null;
  /** The agent whose it is. */
  agent?: string | null;
  /** The session in which it was said. */
  session?: string | null;
  /** The application whose it is. */
  app?: string | null;
  text: string;
  /** episodic when left out. */
  tier?: "immediate" | "short_term" | "session" | "episodic" | "semantic" | "procedural" | "strategic" | "civilizational" | "evolutionary" | "planetary" | "galactic" | "cosmic";
  importance?: number | null;
  embedding?: number[] | null;
  /** `session` and `speaker` among them help recall. */
  metadata?: Record<string, Json>;
  source?: string | null;
  pinned?: boolean;
  /** When it was said; now when left out. */
  said_at?: number | null;
}

export interface MemoryOwner {
  /** A plugin, `@host`, or `@shared` for the tiers that belong to nobody alone. */
  owner: string;
  items: number;
  bytes: number;
  by_tier: Record<string, number>;
  /** What a plugin's grant allows. */
  quota: MemoryQuota | null;
}

export interface MemoryOwners {
  items: MemoryOwner[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface MemoryQuestion {
  /** The user whose it is. */
  user?: string | null;
  /** The agent whose it is. */
  agent?: string | null;
  /** The session in which it was said. */
  session?: string | null;
  /** The application whose it is. */
  app?: string | null;
  text?: string | null;
  embedding?: number[] | null;
  tiers?: ("immediate" | "short_term" | "session" | "episodic" | "semantic" | "procedural" | "strategic" | "civilizational" | "evolutionary" | "planetary" | "galactic" | "cosmic")[] | null;
  limit?: number;
  /** Only memories with this score, the probability that one answers. */
  min_score?: number;
  /** True counts what is found as used. */
  touch?: boolean;
  /** Only what was said then or later. Seconds since the Unix epoch. */
  since?: number | null;
  /** Only what was said then or before. Seconds since the Unix epoch. */
  until?: number | null;
  /** The time that facts are asked of; else the one that the text names, or now. */
  valid_at?: number | null;
  /** Leaves out all that was said later. */
  as_of?: number | null;
  /** What the metadata must fulfil: values by name, or operators such as `{"$gte": 2020}`; `$and`, `$or` and `$not` take filters. */
  filter?: Record<string, Json> | null;
  /** The most characters of all texts together: core blocks first, then what fits best. */
  budget?: number | null;
}

export interface MemoryQuota {
  max_items: number | null;
  max_bytes: number | null;
  tiers: string[];
  write: boolean;
}

export interface MemoryStats {
  items: number;
  bytes: number;
  by_tier: Record<string, number>;
  by_owner: Record<string, number>;
  /** Memories that wait for approval. */
  quarantined: number;
  /** Memories that are still to be read for facts, in the background. */
  unread: number;
  embedder: string | null;
  problems: string[];
}

export interface MemoryTier {
  tier: "immediate" | "short_term" | "session" | "episodic" | "semantic" | "procedural" | "strategic" | "civilizational" | "evolutionary" | "planetary" | "galactic" | "cosmic";
  purpose: string;
  scope: string;
  writer: "plugin" | "grant" | "host" | "operator";
  ttl_s: number | null;
  half_life_s: number | null;
  cap: number;
  group: "working" | "experience" | "knowledge" | "shared";
  promote_at: number | null;
  promote_hits: number | null;
  promote_to: "immediate" | "short_term" | "session" | "episodic" | "semantic" | "procedural" | "strategic" | "civilizational" | "evolutionary" | "planetary" | "galactic" | "cosmic" | null;
  evicts: boolean;
  shared: boolean;
  lasting_at: number | null;
}

export interface MemoryTiers {
  items: MemoryTier[];
}

export interface NameChanges {
  added: string[];
  removed: string[];
}

export interface NewFleetToken {
  /** The token, shown only now. */
  secret: string;
  /** Seconds since the Unix epoch. */
  expires_at: number;
}

export interface NewToken {
  name: string;
  /** Each role may do what those before it may. */
  role: "nobody" | "viewer" | "operator" | "admin";
  /** Roles that are higher for single plugins. */
  plugins: Record<string, "nobody" | "viewer" | "operator" | "admin">;
  /** Tags of the operations that it may use; null for all of them. */
  scopes: string[] | null;
  /** Seconds since the Unix epoch. */
  expires_at: number | null;
  id: string;
  /** Seconds since the Unix epoch. */
  created_at: number;
  /** To the minute, in seconds since the Unix epoch. */
  last_used_at: number | null;
  /** Name of a user; null for whoever runs the host. */
  owner: string | null;
  /** The token itself. It cannot be read again. */
  secret: string;
}

export interface OutdatedPlugin {
  plugin: string;
  source: string;
  version: string;
  /** The highest version that the source has; empty where it tells none. */
  newest: string;
  /** What installs it; empty where nothing is newer. */
  reference: string;
  /** Why the source does not tell, if it does not. */
  problem?: string;
}

export interface OutdatedPlugins {
  items: OutdatedPlugin[];
}

export interface PackageLook {
  reference: string;
  /** Of the package: what is installed. */
  digest: string;
  name: string;
  version: string;
  description: string;
  author: string;
  size_bytes: number;
  /** Bytes of each file by its name. */
  files: Record<string, number>;
  /** README.md; nobody has checked what it says. */
  readme: string;
  publisher: PublisherVerdict;
  /** What it would change, and what it asks for without a grant. */
  upgrade: Upgrade;
}

export interface PasswordChange {
  old: string;
  new: string;
}

export interface Pin {
  step: string;
  /** Seconds since the Unix epoch. */
  changed_at: number;
  changed_by: string;
  /** Any JSON value. */
  value: Json;
}

export interface PinChange {
  /** Name of the step. */
  step: string;
  /** Its output in trials. */
  value?: Json;
}

export interface Pins {
  items: Pin[];
}

export interface PlacementOrder {
  /** Labels that a host needs, all of them, such as `zone: eu`; null for every host. */
  labels: Record<string, string> | null;
  /** Of the plugin as it was looked at: 409 when it was changed since. */
  revision?: number | null;
}

export interface PlainCredentials {
  username: string;
  password: string;
}

export interface PlainPlugin {
  id: string;
  name: string;
  version: string;
  description: string;
  state: "enabled" | "needs-grant" | "needs-review" | "disabled" | "quarantined" | "rejected";
  functions: string[];
}

export interface PlainToken {
  /** To be sent as `Authorization: Bearer TOKEN`. */
  token: string;
}

export interface PlainWorkflow {
  id: string;
  name: string;
  description: string;
  version: string;
  enabled: boolean;
  /** The definition as plain JSON values. */
  document?: Record<string, Json>;
}

export interface PlannedStep {
  /** One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`. */
  place: string;
  /** Of the task in the version that ran. */
  path: string;
  name: string;
  kind: string;
  /** The reason why it is done again: it failed, it is another one in the version that goes on, or it follows from a step that is done again. */
  why?: "" | "failed" | "changed" | "follows";
}

export interface Plugin {
  name: string;
  version: string;
  description: string;
  author: string;
  /** The newest usable version of the file. */
  hash: string | null;
  /** The version that answers calls. */
  serving: string | null;
  state: "enabled" | "needs-grant" | "needs-review" | "disabled" | "quarantined" | "rejected";
  /** Why it is in this state. */
  reason: string;
  functions: Record<string, Function>;
  asked: Ask[];
  granted: Grant[];
  limits: Record<string, Json>;
  /** JSON Schema of its settings. */
  config: Record<string, Json> | null;
  last_error: Record<string, Json> | null;
  /** Its file in the plugin folder; of a native plugin package.module:Name. */
  path: string;
  /** Native plugins are Python in the host's own process. */
  trust: "sandboxed" | "native";
  /** Per cent of the calls by hash; null where one version has all. */
  shares: Record<string, Json> | null;
  /** Grows with each decision about the plugin, made at whichever host. */
  revision: number;
  /** Labels that a host needs to serve it; null: every host serves it. */
  placement: Record<string, Json> | null;
  /** Its last rollout; only where a single plugin is shown. */
  rollout?: Rollout | null;
}

export interface PluginConfig {
  /** JSON Schema of the settings; null for a plugin that describes none. */
  schema: Record<string, Json> | null;
  /** The settings in force; those that are secret are shown as ********. */
  values: Record<string, Json>;
  /** Where each comes from: stored here, the host's settings, or the schema. */
  origins: Record<string, "stored" | "settings" | "default">;
  /** Settings whose values are never shown. */
  secrets: string[];
}

export interface PluginConfigOrder {
  /** All settings. What is left out goes back to where it came from; ******** keeps a secret. */
  values: Record<string, Json>;
}

export interface PluginDecision {
  who: string;
  /** Seconds since the Unix epoch. */
  at: number;
}

export interface PluginHosts {
  sources: PluginSource[];
  hosts: PluginOnHost[];
}

export interface PluginOnHost {
  /** The name of the host's machine. */
  host: string;
  /** The identity of the host's data folder. */
  id: string;
  hash: string;
  /** coming: it is being compiled there. */
  state: "coming" | "loaded" | "failed";
  error: string;
  /** Another version is accepted and not in service at that host yet. */
  lags: boolean;
  since: number;
}

export interface PluginOrigin {
  plugin: string;
  /** SHA-256 of the module, in hexadecimal. */
  hash: string;
  /** A repository without tag and digest, a URL or a file. */
  source: string;
  version: string;
  /** The digest of the package. */
  digest: string;
  /** Who signed it, by fingerprints of keys; empty for nobody. */
  publisher: string;
  /** Seconds since the Unix epoch. */
  installed_at: number;
  installed_by: string;
}

export interface PluginOrigins {
  items: PluginOrigin[];
}

export interface PluginSource {
  /** The name of the host's machine. */
  host: string;
  /** The identity of the host's data folder; empty for a host that is alone. */
  id: string;
  path: string;
  /** The version that it proposes; null for a file that cannot be used. */
  hash: string | null;
  problem: string;
  /** It is the version that answers calls. */
  agrees: boolean;
  /** The plugin was removed at another host: the file proposes nothing. */
  removed: boolean;
  at: number;
}

export interface PluginStatus {
  breaker: Breaker;
  /** Calls that run now. */
  in_flight: number;
  /** Sandboxes kept for the next call. */
  warm: number;
  warm_bytes: number;
  /** Since the host started. */
  calls: number;
  errors: number;
  /** No call in 20 took longer; null without calls. */
  p95_ms: number | null;
  limits: Record<string, LimitInForce>;
}

export interface Plugins {
  items: Plugin[];
  /** Cursor, null at the end. */
  next: string | null;
  /** All plugins by state, on this page or not; with `totals=true`. */
  totals?: Record<string, number>;
}

export interface Practice {
  cases: PracticeCase[];
}

export interface PracticeCase {
  capability: string;
  /** A JSON value for the function. */
  input?: Json;
  /** The JSON value, or the text, that is right. */
  expect?: Json;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  /** Stable; made for programs. */
  code: string;
  /** What happened. */
  detail: string;
  /** What to do about it. */
  remedy: string;
  /** Names the request, as `x-request-id` and the log do. */
  instance: string;
}

export interface Published {
  /** How many came. */
  accepted: number;
  /** How many of them had not come before. */
  new: number;
}

export interface PublisherKey {
  fingerprint: string;
  /** The public key, as a file has it. */
  key: string;
}

export interface PublisherVerdict {
  decision: "accept" | "ask" | "refuse";
  reason: string;
  remedy: string;
  /** Who signed it, for people; empty for nobody. */
  publisher: string;
  /** Those who are trusted and signed it. */
  publishers: string[];
  /** The same by the names that the owner gave them. */
  names: string[];
  unknown: PublisherKey[];
  /** Everybody whose signature verifies, by fingerprints. */
  signers: string;
}

export interface Queue {
  queue: string;
  limit: number | null;
  waiting: number;
  running: number;
}

export interface Queues {
  items: Queue[];
}

export interface Readiness {
  status: "ok";
  /** What is wrong though plugins can be called; left out: nothing. */
  degraded?: string;
}

export interface Recalled {
  items: Memory[];
  /** Ways of looking that could not be used, and why. */
  notes: string[];
  /** Facts that the question asks for and that hold then. */
  facts: Fact[];
  /** Core blocks, which are given whatever the question: they come first in a model's context. */
  blocks: MemoryBlock[];
}

export interface Removed {
  removed: boolean;
}

export interface RestoreOrder {
  /** The backup's name, once more. */
  confirm: string;
}

export interface RestoreOutcome {
  backup: string;
  /** Seconds since the Unix epoch. */
  at: number;
  ok: boolean;
  /** What came of it, and where what was there before is kept. */
  text: string;
}

export interface RetryPlan {
  /** Number of the version that goes on; 0 for a trial. */
  version: number;
  /** Their results stay; they are not called again. */
  kept: PlannedStep[];
  /** They failed, changed, or follow from one that did. */
  again: PlannedStep[];
}

export interface RollbackOrder {
  /** The version; its first 8 characters or more will do. */
  hash: string;
}

export interface Rollout {
  plugin: string;
  version: string;
  /** SHA-256 of the new version. */
  digest: string;
  /** SHA-256 of the version that served, which serves again after a failure. */
  before: string;
  /** Per cent of the calls for the new version, step by step. */
  shares: number[];
  /** The time that a step lasts at least. */
  every_s: number;
  /** Conditions that hold while it goes on, such as errors<1%. */
  guards: string[];
  who: string;
  state?: "running" | "done" | "rolled-back" | "stopped";
  /** Why it ended so, or what the step waits for. */
  reason?: string;
  /** Index of the share in force; -1: all calls are to go to `before`. */
  step?: number;
  /** Seconds since the Unix epoch. */
  began_at: number;
  /** Seconds since the Unix epoch. */
  step_at: number;
  /** Seconds since the Unix epoch. */
  ended_at?: number | null;
  /** Since when it rests at its share; null: it does not. */
  paused_at?: number | null;
  /** The time for which the present step rested before. */
  paused_s?: number;
}

export interface RolloutList {
  items: RolloutProgress[];
}

export interface RolloutOrder {
  /** A version that is kept, or the first 8 characters or more of its hash. */
  version: string;
  /** Per cent of the calls, rising; the last is 100. */
  shares?: number[];
  /** The time that a step lasts at least. */
  every_s?: number;
  /** Conditions: errors<1%; p95<200ms or p95<2s; p95<2x, against the version that served. */
  guards?: string[];
}

export interface RolloutProgress {
  rollout: Rollout;
  /** Per cent of the calls that the new version has now. */
  share: number;
  /** When the next step is taken, at the soonest; null where none follows. */
  next_at: number | null;
  before: VersionFigures;
  after: VersionFigures;
  guards: GuardReading[];
}

export interface RpcMessage {
  jsonrpc: "2.0";
  id?: Json;
  method?: string;
  params?: Record<string, Json>;
  result?: Record<string, Json>;
  error?: RpcMessageError;
}

export interface RpcMessageError {
  code: number;
  message: string;
  data?: Json;
}

export interface Run {
  id: string;
  workflow: string;
  /** The version; null for a trial. */
  number: number | null;
  digest: string;
  status: "pending" | "running" | "waiting" | "suspended" | "completed" | "faulted" | "cancelled";
  /** What began it: its `kind`, and what belongs to that. */
  trigger: Record<string, Json>;
  by: string;
  /** Seconds since the Unix epoch. */
  created_at: number;
  /** Seconds since the Unix epoch. */
  started_at: number | null;
  /** Seconds since the Unix epoch. */
  ended_at: number | null;
  /** When a waiting one goes on by itself. */
  due_at: number | null;
  priority: number;
  input: Json;
  output: Json;
  fault: WorkflowFault | null;
  /** The run that began it. */
  parent: string | null;
  /** The run whose rows it began with. */
  forked_from: string | null;
  /** Rows of its journal. */
  steps: number;
  /** Of the last row and so of all. */
  hash: string;
  /** Of a text that was not applied. */
  trial: boolean;
  /** Those it was begun with, and the tags of its document as `name=value`. */
  labels: string[];
}

export interface RunAudit {
  /** The hashes of all rows hold. */
  ok: boolean;
  rows: number;
  hash: string;
  /** Its row in the host's record of changes. */
  record_seq: number | null;
  /** What is wrong, where something is. */
  fact?: string;
  /** The row where it is. */
  seq?: number | null;
}

export interface RunComparison {
  workflow: string;
  first: RunSide;
  second: RunSide;
  steps: StepComparison[];
  /** A run has more than 2000 rows; those behind are left out. */
  cut: boolean;
}

export interface RunFork {
  /** The last row taken over. */
  seq: number;
  input?: Json;
}

export interface RunOpen {
  items: RunOpenItemsItem[];
}

export interface RunOpenItemsItem {
  /** One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`. */
  place: string;
  kind: string;
  name: string;
  attempt: number;
  /** Seconds since the Unix epoch. */
  due_at: number | null;
  /** The reason why it has not begun: no host can do it, or its engine is missing; empty: none. */
  waits_for?: string;
}

export interface RunOrder {
  input?: Json;
  /** A second start with this key is the first one. */
  key?: string | null;
  /** Seconds to wait for the end; it goes on after. */
  wait_s?: number;
  /** A version; the newest one. */
  number?: number | null;
  /** Higher ones first; default: that of the workflow. */
  priority?: number | null;
  /** Texts to find it by in lists. */
  labels?: string[];
}

export interface RunRetry {
  /** Where it goes on; else where it failed or was cut. */
  place?: string | null;
  /** The version that goes on; else the one that ran. Steps that are the same in it are kept. */
  version?: number | null;
}

export interface RunSide {
  id: string;
  /** The version; null for a trial. */
  number: number | null;
  status: string;
  /** Seconds since the Unix epoch. */
  created_at: number;
  /** Seconds since the Unix epoch. */
  ended_at: number | null;
  /** From its beginning to its end. */
  time_ms: number | null;
}

export interface RunSpan {
  /** `call`: of a plugin in a step; `host`: what that asked of the host. */
  kind: "trigger" | "run" | "step" | "call" | "host";
  name: string;
  /** How deep it is inside of others. */
  depth: number;
  /** After the first span began. */
  begin_ms: number;
  /** Null while it goes on. */
  time_ms: number | null;
  /** The status of a run or step; `ok` or a code of all else. */
  state: string;
  /** Of a step. */
  place?: string | null;
  /** The delivery or event, the plugin's hash, or the run that a step began. */
  about?: string;
}

export interface RunStep {
  /** Counts from 1. */
  seq: number;
  /** One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`. */
  place: string;
  /** Of the task in the document. */
  path: string;
  name: string;
  kind: string;
  status: "completed" | "faulted" | "skipped" | "retried" | "fired" | "received" | "cancelled";
  attempt: number;
  /** Seconds since the Unix epoch. */
  at: number;
  /** Seconds since the Unix epoch. */
  began_at: number;
  input: Json;
  output: Json;
  fault: WorkflowFault | null;
  /** What it cost and who did it. */
  meta: Record<string, Json>;
  /** Long values are shortened here. */
  cut?: boolean;
}

export interface RunSteps {
  items: RunStep[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface RunTimeline {
  run: string;
  /** When the first span began; seconds since the Unix epoch. */
  began_at: number;
  spans: RunSpan[];
  /** The row after which the next page begins. */
  next: string | null;
}

export interface Runs {
  items: Run[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface Schedule {
  name: string;
  function: string;
  kind: "cron" | "interval" | "once";
  /** A cron expression, seconds, or a date as 2030-01-31T08:00. */
  spec: string;
  /** Name of the time zone, such as Europe/Berlin. */
  timezone: string;
  /** What becomes of ticks while no host ran. */
  missed: "skip" | "one" | "all";
  queue: string;
  /** Higher ones first. */
  priority: number;
  /** Seconds. */
  timeout_s: number | null;
  /** Failures until it is a dead letter. */
  attempts: number;
  enabled: boolean;
  /** Seconds since the Unix epoch. */
  next_at: number | null;
  /** Seconds since the Unix epoch. */
  last_at: number | null;
  last_task: string | null;
}

export interface ScheduleOrder {
  name: string;
  function: string;
  kind: "cron" | "interval" | "once";
  /** A cron expression, seconds, or a date as 2030-01-31T08:00. */
  spec: string;
  /** Name of the time zone, such as Europe/Berlin. */
  timezone?: string;
  /** What becomes of ticks while no host ran. */
  missed?: "skip" | "one" | "all";
  queue?: string;
  /** Higher ones first. */
  priority?: number;
  /** Seconds. */
  timeout_s?: number | null;
  /** A JSON value, or {"base64": ...} alone for bytes. */
  input?: Json;
  /** Failures until it is a dead letter. */
  attempts?: number;
}

export interface ScheduleSwitch {
  enabled: boolean;
}

export interface Schedules {
  items: Schedule[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface Series {
  /** Seconds from one figure to the next. */
  step_s: number;
  /** When the first step began. */
  start: number;
  series: SeriesSeries;
}

export interface SeriesSeries {
  calls: (number | null)[];
  errors: (number | null)[];
  call_ms_p95: (number | null)[];
  /** Tasks that ended, well or not. */
  tasks: (number | null)[];
  http: (number | null)[];
}

export interface Session {
  /** Who is logged in. */
  user: SessionUser | null;
  /** How that was recognised. */
  via: "session" | "token" | "setting" | "owner" | "application" | "local" | null;
  /** Tags of the operations that it may use; null for all of them. */
  scopes: string[] | null;
  /** What unsafe requests with the session's cookie send as `x-csrf-token`. */
  csrf: string | null;
  /** No user was made yet. */
  setup: boolean;
  /** The service by which one can log in too. */
  oidc: SessionOidc | null;
  host: SessionHost;
}

export interface SessionHost {
  name: string;
  version: string;
}

export interface SessionOidc {
  name: string;
}

export interface SessionUser {
  /** Null for whoever runs the host. */
  id: string | null;
  name: string;
  /** Each role may do what those before it may. */
  role: "nobody" | "viewer" | "operator" | "admin";
  /** Roles that are higher for single plugins. */
  plugins: Record<string, "nobody" | "viewer" | "operator" | "admin">;
}

export interface Sessions {
  items: LoggedIn[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface Setting {
  /** With dots, such as `limits.timeout_s`. */
  name: string;
  /** The first part of the name, empty for settings of the host itself. */
  section: string;
  doc: string;
  /** What holds now; of a secret a mask when it is set, else null. */
  value: Json;
  default: Json;
  /** default, console, FILE:LINE, a variable, `override NAME`, `environment: PLACE` */
  origin: string;
  /** JSON Schema of the value. */
  schema: Record<string, Json>;
  secret: boolean;
  editable: boolean;
  /** Why it cannot be changed here; empty when it can. */
  fixed: string;
  /** A change takes effect when the host is started the next time. */
  restart: boolean;
  /** The console has set it. */
  override: boolean;
  /** What holds from the next start on, the same as `value` if nothing waits for it. */
  next: Json;
  /** `next` differs from `value`. */
  waiting: boolean;
}

export interface SettingOrder {
  /** The new value, as its schema says. */
  value: Json;
}

export interface Settings {
  items: Setting[];
  /** Some wait for the next start. */
  waiting: boolean;
}

export interface SetupOrder {
  /** From the link that `omnicore run` prints. */
  key: string;
  name: string;
  password: string;
}

export interface SharesOrder {
  /** Per cent by hash, or by its first 8 characters or more; 100 together. One version ends it. */
  shares: Record<string, number>;
  /** Of the plugin as it was looked at: 409 when it was changed since. */
  revision?: number | null;
}

export interface StagedRestore {
  backup: string;
  /** Seconds since the Unix epoch. */
  asked_at: number;
  by: string;
}

export interface Status {
  status: "ok";
}

export interface StepComparison {
  /** One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`. */
  place: string;
  path: string;
  name: string;
  kind: string;
  first: StepSide | null;
  second: StepSide | null;
  /** What is not the same; times are never. */
  differs: ("attempts" | "fault" | "missing" | "output" | "status")[];
  /** Where the outputs differ, as far as they are shown here. */
  outputs?: ValueDifference[];
}

export interface StepSide {
  status: string;
  attempts: number;
  /** Of all its attempts. */
  time_ms: number;
  output: Json;
  fault: Json;
}

export interface Subsystem {
  status: "Healthy" | "Degraded" | "Unhealthy";
  /** Why it is not well, or what failed last. */
  reason: string;
  /** Whether its being unhealthy makes the host unhealthy. */
  critical: boolean;
  last_check: number | null;
  consecutive_failures: number;
  consecutive_successes: number;
  total_checks: number;
  total_failures: number;
  metadata: Record<string, Json>;
}

export interface Switch {
  state: "enabled" | "disabled";
}

export interface Task {
  /** `plugin.function`, or the plugin when it has one function. */
  function: string;
  /** A JSON value, or {"base64": ...} alone for bytes. */
  input: Json;
  queue: string;
  /** Higher ones first. */
  priority: number;
  /** For each attempt. */
  timeout_s: number | null;
  /** A second task with this key is the first one. */
  key: string | null;
  /** Free text to find tasks by; many can share it. */
  label: string | null;
  id: string;
  /** A plugin, `@host` or `@schedules`. */
  owner: string;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  /** Those that ended or run. */
  attempts: number;
  most_attempts: number;
  /** Hosts that died while they ran it. */
  lost: number;
  /** What the function returned, once the task is done. */
  output: Json;
  /** Why it failed last. */
  error: string | null;
  code: string | null;
  /** Seconds since the Unix epoch. */
  created_at: number;
  /** Seconds since the Unix epoch. */
  due_at: number;
  /** Seconds since the Unix epoch. */
  expires_at: number | null;
  /** Seconds since the Unix epoch. */
  started_at: number | null;
  /** Seconds since the Unix epoch. */
  finished_at: number | null;
  host: string | null;
}

export interface TaskCancelled {
  /** False when it was over. */
  cancelled: boolean;
}

export interface TaskOrder {
  /** `plugin.function`, or the plugin when it has one function. */
  function: string;
  /** A JSON value, or {"base64": ...} alone for bytes. */
  input?: Json;
  queue?: string;
  /** Higher ones first. */
  priority?: number;
  /** For each attempt. */
  timeout_s?: number | null;
  /** A second task with this key is the first one. */
  key?: string | null;
  /** Free text to find tasks by; many can share it. */
  label?: string | null;
  /** Seconds. */
  delay_s?: number;
  /** Failures until it is a dead letter. */
  attempts?: number;
  /** From now on, for all attempts. */
  expires_s?: number | null;
  /** Waits after each failure; the last one stays. */
  backoff_s?: number[];
}

export interface Tasks {
  items: Task[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface TasksRetried {
  retried: number;
  more: boolean;
  /** Seconds since the Unix epoch. */
  before: number;
}

export interface TasksRetry {
  /** Those that failed until then; now. */
  before?: number;
}

export interface Ticks {
  /** Fewer than asked for where no more come. */
  items: number[];
  /** What a cron expression says; empty for other kinds. */
  words: string;
}

export interface Token {
  name: string;
  /** Each role may do what those before it may. */
  role: "nobody" | "viewer" | "operator" | "admin";
  /** Roles that are higher for single plugins. */
  plugins: Record<string, "nobody" | "viewer" | "operator" | "admin">;
  /** Tags of the operations that it may use; null for all of them. */
  scopes: string[] | null;
  /** Seconds since the Unix epoch. */
  expires_at: number | null;
  id: string;
  /** Seconds since the Unix epoch. */
  created_at: number;
  /** To the minute, in seconds since the Unix epoch. */
  last_used_at: number | null;
  /** Name of a user; null for whoever runs the host. */
  owner: string | null;
}

export interface TokenOrder {
  name: string;
  /** No more than its owner has, whatever is asked; default: viewer. */
  role?: "nobody" | "viewer" | "operator" | "admin";
  /** Roles that are higher for single plugins. */
  plugins?: Record<string, "nobody" | "viewer" | "operator" | "admin">;
  /** Tags of the operations that it may use; null for all of them. */
  scopes?: string[] | null;
  /** Seconds since the Unix epoch; default: as the settings say. */
  expires_at?: number | null;
  /** Name of a user, which only the owner of the host may give; default: the caller. */
  owner?: string | null;
}

export interface Tokens {
  items: Token[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface TrialOrder {
  /** YAML or JSON, as it was written. */
  text: string;
  input?: Json;
  /** Path of the task to begin with, in blocks or not. */
  from?: string | null;
  /** Path of the task to end with; the same as `from` for one step. */
  to?: string | null;
  /** Of loops around `from`, by the names of `each`; without, they are the input. */
  variables?: Record<string, Json> | null;
  /** A run whose recorded values stand for the steps before `from`, and for an input left out. */
  run?: string | null;
  /** Outputs of steps before `from`, by name; they count before those of `run`. */
  steps?: Record<string, Json>;
  /** `$context` at the beginning. */
  context?: Record<string, Json> | null;
  /** Outputs of calls, scripts, events and workflows that are not begun, by the path of the task. */
  answers?: Record<string, Json>;
  /** `recorded`: calls are answered with the results of `run`; one without a result fails. */
  calls?: "real" | "recorded";
  /** Seconds to wait for the end; it goes on after. */
  wait_s?: number;
}

export interface Trigger {
  event: string;
  payload?: Json;
}

export interface Upgrade {
  /** The version that answers calls, or was accepted last. */
  from: Version | null;
  /** What lies in the folder. */
  to: Version | null;
  /** What is approved: SHA-256 of the newer file, or of it and the manifest beside it. */
  digest: string;
  /** Why a person has to accept the newer one; empty where none has to. */
  review: string;
  /** Its version is lower than the one before. */
  lower: boolean;
  /** The newer one waits for a decision. */
  waiting: boolean;
  /** Who turned the newer one away, if somebody did. */
  kept: PluginDecision | null;
  changes: Change[];
  functions: FunctionChanges;
  limits: Record<string, LimitChange>;
  code: CodeChange;
}

export interface UpgradeOrder {
  /** approve accepts the newer version, grants all that is new and switches; keep turns it away. */
  decision: "approve" | "keep";
  /** Of the version that was looked at, to approve it: 409 when another one is the newest. */
  digest?: string | null;
}

export interface User {
  name: string;
  /** Each role may do what those before it may. */
  role: "nobody" | "viewer" | "operator" | "admin";
  /** Roles that are higher for single plugins. */
  plugins: Record<string, "nobody" | "viewer" | "operator" | "admin">;
  id: string;
  disabled: boolean;
  /** Seconds since the Unix epoch. */
  created_at: number;
  /** Seconds since the Unix epoch. */
  last_login_at: number | null;
  /** Who vouches for somebody without a password. */
  second: "oidc" | null;
}

export interface UserChange {
  /** Each role may do what those before it may. */
  role?: "nobody" | "viewer" | "operator" | "admin";
  /** Roles that are higher for single plugins. */
  plugins?: Record<string, "nobody" | "viewer" | "operator" | "admin">;
  disabled?: boolean;
  password?: string;
}

export interface UserOrder {
  name: string;
  /** Each role may do what those before it may. */
  role: "nobody" | "viewer" | "operator" | "admin";
  /** Roles that are higher for single plugins. */
  plugins?: Record<string, "nobody" | "viewer" | "operator" | "admin">;
  password: string;
}

export interface Users {
  items: User[];
  /** Cursor, null at the end. */
  next: string | null;
}

export interface ValueDifference {
  /** A JSON pointer; empty for the whole. */
  path: string;
  first: Json;
  second: Json;
}

export interface Vector {
  id: string;
  values: number[];
  /** At most 64 members. */
  metadata?: Record<string, Json> | null;
}

export interface VectorCount {
  count: number;
}

export interface VectorIds {
  ids: string[];
}

export interface VectorOrder {
  vectors: Vector[];
}

export interface VectorQuery {
  values: number[];
  limit?: number;
  /** What the metadata must fulfil. */
  filter?: Record<string, Json>;
}

export interface Version {
  /** SHA-256 of the module, in hexadecimal. */
  hash: string;
  /** The version as its manifest writes it. */
  version: string;
  size_bytes: number;
  /** When it last became the file in the folder; seconds since the Unix epoch. */
  seen_at: number;
  /** It answers calls. */
  serving: boolean;
  /** It is what lies in the folder. */
  newest: boolean;
  /** Somebody decided to keep the version before it. */
  turned_away: boolean;
  /** Who accepted it; null for one that nobody did. */
  accepted: PluginDecision | null;
  functions: string[];
}

export interface VersionFigures {
  hash: string;
  version: string;
  /** Per cent of the calls. */
  share: number;
  calls: number;
  /** Calls that the version failed. */
  errors: number;
  /** No call in 20 took longer; null without calls. */
  p95_ms: number | null;
}

export interface Versions {
  items: Version[];
}

export interface Webhook {
  name: string;
  rule: "github" | "gitlab" | "telegram" | "discord" | "standard" | "stripe" | "slack" | "shopify" | "linear" | "pagerduty" | "jira" | "hmac" | "token";
  connector: string | null;
  /** How far a delivery's time may be from the host's, in seconds. */
  window_s: number;
  /** Seconds since the Unix epoch. */
  added_at: number;
  /** Where deliveries go. */
  path: string;
}

export interface WebhookDeliveries {
  items: WebhookDelivery[];
  next: string | null;
}

export interface WebhookDelivery {
  id: string;
  event: string;
  media: string;
  state: "received" | "published";
  attempts: number;
  /** Seconds since the Unix epoch. */
  received_at: number;
  /** Seconds since the Unix epoch. */
  published_at: number | null;
}

export interface WebhookDeliveryBody {
  id: string;
  event: string;
  media: string;
  state: "received" | "published";
  attempts: number;
  /** Seconds since the Unix epoch. */
  received_at: number;
  /** Seconds since the Unix epoch. */
  published_at: number | null;
  /** The body, where it is text. */
  text: string | null;
  /** The body, where it is no text. */
  base64: string | null;
  body_bytes: number;
}

export interface WebhookOrder {
  name: string;
  rule: "github" | "gitlab" | "telegram" | "discord" | "standard" | "stripe" | "slack" | "shopify" | "linear" | "pagerduty" | "jira" | "hmac" | "token";
  connector?: string | null;
  /** How far a delivery's time may be from the host's, in seconds. */
  window_s?: number;
  /** A value, or a reference to one. It cannot be read back. */
  secret: string;
}

export interface Webhooks {
  items: Webhook[];
}

export interface Workflow {
  /** `name`, or `namespace.name` outside of `default`. */
  id: string;
  name: string;
  namespace: string;
  title: string;
  summary: string;
  /** As its document says. */
  version: string;
  /** Counts the versions that were kept, from 1. */
  number: number;
  /** SHA-256 of the document; runs keep to it. */
  digest: string;
  enabled: boolean;
  /** Seconds since the Unix epoch. */
  changed_at: number;
  changed_by: string;
  triggers: WorkflowTrigger[];
  /** YAML or JSON, as it was written. */
  text: string;
  /** The definition as plain JSON values. */
  document: Record<string, Json>;
  /** Of a text that was just kept: the number before it, where that has another text and the same `version`. Runs that ask for this version begin the newest text of it. */
  same_version_as: number | null;
}

export interface WorkflowChange {
  /** YAML or JSON, as it was written. */
  text: string;
  /** The version that was edited; refused when it is stale. */
  digest?: string | null;
}

export interface WorkflowChecked {
  valid: boolean;
  problems: WorkflowProblem[];
  /** If readable. */
  document: Record<string, Json> | null;
}

export interface WorkflowDiff {
  changes: WorkflowDiffChangesItem[];
}

export interface WorkflowDiffChangesItem {
  kind: "added" | "removed" | "changed" | "moved";
  /** JSON pointer into the document. */
  path: string;
  before?: Json;
  after?: Json;
}

export interface WorkflowExamples {
  items: WorkflowExamplesItemsItem[];
}

export interface WorkflowExamplesItemsItem {
  name: string;
  title: string;
  summary: string;
  /** YAML or JSON, as it was written. */
  text: string;
}

export interface WorkflowExecuted {
  output: Json;
  /** Id of the run. */
  run: string;
}

export interface WorkflowExecution {
  input?: Json;
}

export interface WorkflowFault {
  /** A URI. */
  type: string;
  status: number;
  title?: string;
  detail?: string;
  /** The place where it came up. */
  instance: string;
}

export interface WorkflowLine {
  /** `name`, or `namespace.name` outside of `default`. */
  id: string;
  name: string;
  namespace: string;
  title: string;
  summary: string;
  /** As its document says. */
  version: string;
  /** Counts the versions that were kept, from 1. */
  number: number;
  /** SHA-256 of the document; runs keep to it. */
  digest: string;
  enabled: boolean;
  /** Seconds since the Unix epoch. */
  changed_at: number;
  changed_by: string;
  triggers: WorkflowTrigger[];
  /** The newest one. */
  last_run: WorkflowLineLastRun | null;
}

export interface WorkflowLineLastRun {
  id: string;
  status: "pending" | "running" | "waiting" | "suspended" | "completed" | "faulted" | "cancelled";
  /** Seconds since the Unix epoch. */
  at: number;
}

export interface WorkflowPalette {
  plugins: WorkflowPalettePluginsItem[];
  connectors: WorkflowPaletteConnectorsItem[];
  host: WorkflowPaletteHostItem[];
}

export interface WorkflowPaletteConnectorsItem {
  connector: string;
  kind: string;
  actions: WorkflowPaletteConnectorsItemActionsItem[];
}

export interface WorkflowPaletteConnectorsItemActionsItem {
  /** What `call` names. */
  ref: string;
  description: string;
  /** JSON Schema; null where none is known. */
  input: Record<string, Json> | null;
}

export interface WorkflowPaletteHostItem {
  /** What `call` names. */
  ref: string;
  description: string;
  /** JSON Schema; null where none is known. */
  input: Record<string, Json> | null;
}

export interface WorkflowPalettePluginsItem {
  plugin: string;
  title: string;
  /** As of the plugin; only an enabled one answers. */
  state: string;
  functions: WorkflowPalettePluginsItemFunctionsItem[];
}

export interface WorkflowPalettePluginsItemFunctionsItem {
  /** What `call` names. */
  ref: string;
  description: string;
  /** JSON Schema; null where none is known. */
  input: Record<string, Json> | null;
  title: string;
  /** JSON Schema; null where none is known. */
  output: Record<string, Json> | null;
}

export interface WorkflowProblem {
  /** JSON pointer into the document. */
  path: string;
  /** From 1; 0 when unknown. */
  line: number;
  /** From 1; 0 when unknown. */
  column: number;
  fact: string;
  remedy: string;
  severity: "error" | "warning";
}

export interface WorkflowText {
  /** YAML or JSON, as it was written. */
  text: string;
}

export interface WorkflowTrigger {
  kind: string;
  /** In words. */
  about: string;
  /** Of schedules. */
  next_at: number | null;
}

export interface WorkflowVersion {
  workflow: string;
  number: number;
  digest: string;
  /** Seconds since the Unix epoch. */
  created_at: number;
  created_by: string;
  /** YAML or JSON, as it was written. */
  text: string;
  /** The definition as plain JSON values. */
  document: Record<string, Json>;
}

export interface WorkflowVersions {
  items: WorkflowVersionsItemsItem[];
}

export interface WorkflowVersionsItemsItem {
  workflow: string;
  number: number;
  digest: string;
  /** Seconds since the Unix epoch. */
  created_at: number;
  created_by: string;
}

export interface Workflows {
  items: WorkflowLine[];
  /** Cursor, null at the end. */
  next: string | null;
}
