// Made from specs/openapi.json by `python -m sdk.generate`; change the host's operations, not this file.

import { Carrier, type CallOptions, pages } from "./client.js";
import type { Alarm, AlarmOrder, Alarms, Approval, Approvals, AuditCheck, AuditRow, AuditRows, AuditVerdict, Backup, Backups, CallLimitOrder, CallLimitView, Changes, CloudEvent, Collection, CollectionIndex, CollectionOrder, Collections, Connector, ConnectorActions, ConnectorCall, ConnectorChange, ConnectorKind, ConnectorKindOrder, ConnectorKinds, ConnectorOrder, ConnectorOutput, ConnectorTest, ConnectorUse, ConnectorUses, Connectors, Consolidated, Credentials, Cycle, CycleOrder, Decision, DraftChange, DraftLine, DraftShown, Drafts, Event, Events, Evolution, EvolutionCanary, EvolutionCandidate, EvolutionCandidates, EvolutionDocument, EvolutionOrder, Evolutions, Executed, Execution, ExpressionOrder, ExpressionValue, FleetHost, FleetHostView, FleetHosts, FleetJoin, FleetJoined, FunctionFiguresList, GalleryEntry, GalleryPage, GalleryPlugin, GrantOrder, Grants, Health, Host, HostLines, HostOrder, InstallOrder, Intelligence, IntelligenceAnswer, IntelligenceCall, IntelligenceSpec, Intelligences, Json, KeptCall, KeptCalls, Lane, Lanes, LogLines, LoggedIn, LookOrder, Matches, Memories, MemoriesErased, MemoriesForgotten, Memory, MemoryBlock, MemoryBlockOrder, MemoryBlockVersions, MemoryBlocks, MemoryChange, MemoryEntity, MemoryErasure, MemoryFactOrder, MemoryFactStated, MemoryFacts, MemoryImported, MemoryOrder, MemoryOwner, MemoryOwners, MemoryQuestion, MemoryStats, MemoryTiers, NewFleetToken, NewToken, OutdatedPlugins, PackageLook, PasswordChange, Pin, PinChange, Pins, PlacementOrder, PlainPlugin, PlainWorkflow, Plugin, PluginConfig, PluginConfigOrder, PluginHosts, PluginOrigins, PluginStatus, Plugins, Practice, Published, Queues, Readiness, Recalled, Removed, RestoreOrder, RetryPlan, RollbackOrder, Rollout, RolloutList, RolloutOrder, RolloutProgress, Run, RunAudit, RunComparison, RunFork, RunOpen, RunOrder, RunRetry, RunStep, RunSteps, RunTimeline, Runs, Schedule, ScheduleOrder, ScheduleSwitch, Schedules, Series, Session, Sessions, Setting, SettingOrder, Settings, SetupOrder, SharesOrder, StagedRestore, Status, Switch, Task, TaskCancelled, TaskOrder, Tasks, TasksRetried, TasksRetry, Ticks, Token, TokenOrder, Tokens, TrialOrder, Trigger, Upgrade, UpgradeOrder, User, UserChange, UserOrder, Users, VectorCount, VectorIds, VectorOrder, VectorQuery, Versions, Webhook, WebhookDeliveries, WebhookDelivery, WebhookDeliveryBody, WebhookOrder, Webhooks, Workflow, WorkflowChange, WorkflowChecked, WorkflowDiff, WorkflowExamples, WorkflowExecuted, WorkflowExecution, WorkflowLine, WorkflowPalette, WorkflowText, WorkflowVersion, WorkflowVersions, Workflows } from "./types.js";

/** Every operation of a host. Each resolves to the answer, or rejects with an `OmniCoreError`. */
export class Operations extends Carrier {
  /** Calls a function: the body goes in, its output comes back: `POST /api/v1/plugins/{plugin}/functions/{function}`. */
  callFunction(plugin: string, function_: string, body: Uint8Array, query: { timeout_s?: number } = {}, options: CallOptions = {}): Promise<Uint8Array> {
    return this.send<Uint8Array>({ method: "POST", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/functions/${encodeURIComponent(function_)}`, answer: "bytes", options, query, body, media: "application/octet-stream" });
  }

  /** Lists plugins by name: `GET /api/v1/plugins`. */
  listPlugins(query: { limit?: number; cursor?: string; state?: "enabled" | "needs-grant" | "needs-review" | "disabled" | "quarantined" | "rejected"; q?: string; totals?: "true" | "false" } = {}, options: CallOptions = {}): Promise<Plugins> {
    return this.send<Plugins>({ method: "GET", path: "/api/v1/plugins", answer: "json", options, query });
  }

  /** All pages of `listPlugins`, each asked for when it is reached. */
  allPlugins(query: { limit?: number; cursor?: string; state?: "enabled" | "needs-grant" | "needs-review" | "disabled" | "quarantined" | "rejected"; q?: string; totals?: "true" | "false" } = {}, options: CallOptions = {}): AsyncGenerator<Plugin, void, undefined> {
    return pages((cursor) => this.listPlugins({ ...query, cursor }, options), query.cursor);
  }

  /** Adds or replaces a plugin's file: `POST /api/v1/plugins`. */
  uploadPlugin(body: Uint8Array, query: { filename?: string; hold?: "true" | "false" } = {}, options: CallOptions = {}): Promise<Plugin> {
    return this.send<Plugin>({ method: "POST", path: "/api/v1/plugins", answer: "json", options, query, body, media: "application/wasm", keyed: true });
  }

  /** Shows a plugin: `GET /api/v1/plugins/{plugin}`. */
  showPlugin(plugin: string, options: CallOptions = {}): Promise<Plugin> {
    return this.send<Plugin>({ method: "GET", path: `/api/v1/plugins/${encodeURIComponent(plugin)}`, answer: "json", options });
  }

  /** Removes a plugin: `DELETE /api/v1/plugins/{plugin}`. */
  removePlugin(plugin: string, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/plugins/${encodeURIComponent(plugin)}`, answer: "none", options, keyed: true });
  }

  /** Switches a plugin: `PUT /api/v1/plugins/{plugin}/state`. */
  switchPlugin(plugin: string, body: Switch, options: CallOptions = {}): Promise<Plugin> {
    return this.send<Plugin>({ method: "PUT", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/state`, answer: "json", options, body, media: "application/json" });
  }

  /** Shows what is not granted: `GET /api/v1/plugins/{plugin}/diff`. */
  diffPlugin(plugin: string, options: CallOptions = {}): Promise<Changes> {
    return this.send<Changes>({ method: "GET", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/diff`, answer: "json", options });
  }

  /** Lists the versions that are kept: `GET /api/v1/plugins/{plugin}/versions`. */
  listVersions(plugin: string, options: CallOptions = {}): Promise<Versions> {
    return this.send<Versions>({ method: "GET", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/versions`, answer: "json", options });
  }

  /** Goes back to an earlier version: `POST /api/v1/plugins/{plugin}/rollback`. */
  rollBack(plugin: string, body: RollbackOrder, options: CallOptions = {}): Promise<Plugin> {
    return this.send<Plugin>({ method: "POST", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/rollback`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Divides calls among versions: `PUT /api/v1/plugins/{plugin}/shares`. */
  divideCalls(plugin: string, body: SharesOrder, options: CallOptions = {}): Promise<Plugin> {
    return this.send<Plugin>({ method: "PUT", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/shares`, answer: "json", options, body, media: "application/json" });
  }

  /** Places a plugin on hosts with some labels: `PUT /api/v1/plugins/{plugin}/placement`. */
  placePlugin(plugin: string, body: PlacementOrder, options: CallOptions = {}): Promise<Plugin> {
    return this.send<Plugin>({ method: "PUT", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/placement`, answer: "json", options, body, media: "application/json" });
  }

  /** Shows the limits on a plugin's calls: `GET /api/v1/plugins/{plugin}/limit`. */
  showCallLimit(plugin: string, options: CallOptions = {}): Promise<CallLimitView> {
    return this.send<CallLimitView>({ method: "GET", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/limit`, answer: "json", options });
  }

  /** Limits a plugin's calls on all hosts: `PUT /api/v1/plugins/{plugin}/limit`. */
  setCallLimit(plugin: string, body: CallLimitOrder, options: CallOptions = {}): Promise<CallLimitView> {
    return this.send<CallLimitView>({ method: "PUT", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/limit`, answer: "json", options, body, media: "application/json" });
  }

  /** Lists rollouts under way: `GET /api/v1/rollouts`. */
  listRollouts(options: CallOptions = {}): Promise<RolloutList> {
    return this.send<RolloutList>({ method: "GET", path: "/api/v1/rollouts", answer: "json", options });
  }

  /** Shows how a rollout goes on: `GET /api/v1/plugins/{plugin}/rollout`. */
  showRollout(plugin: string, options: CallOptions = {}): Promise<RolloutProgress> {
    return this.send<RolloutProgress>({ method: "GET", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/rollout`, answer: "json", options });
  }

  /** Gives a version the calls step by step: `POST /api/v1/plugins/{plugin}/rollout`. */
  beginRollout(plugin: string, body: RolloutOrder, options: CallOptions = {}): Promise<Rollout> {
    return this.send<Rollout>({ method: "POST", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/rollout`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Gives all calls to the version before: `POST /api/v1/plugins/{plugin}/rollout/stop`. */
  stopRollout(plugin: string, options: CallOptions = {}): Promise<Rollout> {
    return this.send<Rollout>({ method: "POST", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/rollout/stop`, answer: "json", options, keyed: true });
  }

  /** Leaves a rollout at its share: `POST /api/v1/plugins/{plugin}/rollout/pause`. */
  pauseRollout(plugin: string, options: CallOptions = {}): Promise<Rollout> {
    return this.send<Rollout>({ method: "POST", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/rollout/pause`, answer: "json", options, keyed: true });
  }

  /** Carries on a paused rollout: `POST /api/v1/plugins/{plugin}/rollout/resume`. */
  resumeRollout(plugin: string, options: CallOptions = {}): Promise<Rollout> {
    return this.send<Rollout>({ method: "POST", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/rollout/resume`, answer: "json", options, keyed: true });
  }

  /** Gives the new version all calls: `POST /api/v1/plugins/{plugin}/rollout/promote`. */
  promoteRollout(plugin: string, options: CallOptions = {}): Promise<Rollout> {
    return this.send<Rollout>({ method: "POST", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/rollout/promote`, answer: "json", options, keyed: true });
  }

  /** Shows which hosts have what of a plugin: `GET /api/v1/plugins/{plugin}/hosts`. */
  listPluginHosts(plugin: string, options: CallOptions = {}): Promise<PluginHosts> {
    return this.send<PluginHosts>({ method: "GET", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/hosts`, answer: "json", options });
  }

  /** Shows what a newer version changes: `GET /api/v1/plugins/{plugin}/upgrade`. */
  showUpgrade(plugin: string, options: CallOptions = {}): Promise<Upgrade> {
    return this.send<Upgrade>({ method: "GET", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/upgrade`, answer: "json", options });
  }

  /** Approves a newer version or not: `POST /api/v1/plugins/{plugin}/upgrade`. */
  decideUpgrade(plugin: string, body: UpgradeOrder, options: CallOptions = {}): Promise<Plugin> {
    return this.send<Plugin>({ method: "POST", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/upgrade`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Shows a plugin's settings: `GET /api/v1/plugins/{plugin}/config`. */
  showPluginConfig(plugin: string, options: CallOptions = {}): Promise<PluginConfig> {
    return this.send<PluginConfig>({ method: "GET", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/config`, answer: "json", options });
  }

  /** Stores a plugin's settings: `PUT /api/v1/plugins/{plugin}/config`. */
  setPluginConfig(plugin: string, body: PluginConfigOrder, options: CallOptions = {}): Promise<PluginConfig> {
    return this.send<PluginConfig>({ method: "PUT", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/config`, answer: "json", options, body, media: "application/json" });
  }

  /** Shows how a plugin fares: `GET /api/v1/plugins/{plugin}/status`. */
  showPluginStatus(plugin: string, options: CallOptions = {}): Promise<PluginStatus> {
    return this.send<PluginStatus>({ method: "GET", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/status`, answer: "json", options });
  }

  /** Shows grants: `GET /api/v1/plugins/{plugin}/grants`. */
  listGrants(plugin: string, options: CallOptions = {}): Promise<Grants> {
    return this.send<Grants>({ method: "GET", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/grants`, answer: "json", options });
  }

  /** Grants a capability: `POST /api/v1/plugins/{plugin}/grants`. */
  giveGrant(plugin: string, body: GrantOrder, options: CallOptions = {}): Promise<Grants> {
    return this.send<Grants>({ method: "POST", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/grants`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Takes a grant back: `DELETE /api/v1/plugins/{plugin}/grants/{capability}`. */
  takeGrant(plugin: string, capability: string, options: CallOptions = {}): Promise<Grants> {
    return this.send<Grants>({ method: "DELETE", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/grants/${encodeURIComponent(capability)}`, answer: "json", options, keyed: true });
  }

  /** Lists the packages that plugins came from: `GET /api/v1/packages`. */
  listPackages(options: CallOptions = {}): Promise<PluginOrigins> {
    return this.send<PluginOrigins>({ method: "GET", path: "/api/v1/packages", answer: "json", options });
  }

  /** Installs the package that was looked at: `POST /api/v1/packages`. */
  installPackage(body: InstallOrder, query: { name?: string; digest?: string; hold?: "true" | "false"; accept_publisher?: "true" | "false" } = {}, options: CallOptions = {}): Promise<Plugin> {
    return this.send<Plugin>({ method: "POST", path: "/api/v1/packages", answer: "json", options, query, body, media: "application/json", keyed: true });
  }

  /** Asks the sources of plugins for newer versions: `GET /api/v1/packages/outdated`. */
  listOutdated(options: CallOptions = {}): Promise<OutdatedPlugins> {
    return this.send<OutdatedPlugins>({ method: "GET", path: "/api/v1/packages/outdated", answer: "json", options });
  }

  /** Shows what a package would bring: `POST /api/v1/packages/look`. */
  lookAtPackage(body: LookOrder, query: { name?: string } = {}, options: CallOptions = {}): Promise<PackageLook> {
    return this.send<PackageLook>({ method: "POST", path: "/api/v1/packages/look", answer: "json", options, query, body, media: "application/json" });
  }

  /** Searches the plugins of the owner's indexes: `GET /api/v1/gallery`. */
  searchGallery(query: { q?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<GalleryPage> {
    return this.send<GalleryPage>({ method: "GET", path: "/api/v1/gallery", answer: "json", options, query });
  }

  /** All pages of `searchGallery`, each asked for when it is reached. */
  allsearchGallery(query: { q?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<GalleryEntry, void, undefined> {
    return pages((cursor) => this.searchGallery({ ...query, cursor }, options), query.cursor);
  }

  /** Shows a plugin of the owner's indexes: `GET /api/v1/gallery/{package}`. */
  showGalleryPlugin(package_: string, options: CallOptions = {}): Promise<GalleryPlugin> {
    return this.send<GalleryPlugin>({ method: "GET", path: `/api/v1/gallery/${encodeURIComponent(package_)}`, answer: "json", options });
  }

  /** Shows the icon of a plugin of the indexes: `GET /api/v1/gallery/{package}/icon`. */
  showGalleryIcon(package_: string, options: CallOptions = {}): Promise<Uint8Array> {
    return this.send<Uint8Array>({ method: "GET", path: `/api/v1/gallery/${encodeURIComponent(package_)}/icon`, answer: "bytes", options });
  }

  /** Shows a plugin's last log lines: `GET /api/v1/plugins/{plugin}/logs`. */
  showLogs(plugin: string, query: { limit?: number; after?: number; level?: "trace" | "debug" | "info" | "warn" | "error" } = {}, options: CallOptions = {}): Promise<LogLines> {
    return this.send<LogLines>({ method: "GET", path: `/api/v1/plugins/${encodeURIComponent(plugin)}/logs`, answer: "json", options, query });
  }

  /** Lists tasks, newest first: `GET /api/v1/tasks`. */
  listTasks(query: { state?: "waiting" | "running" | "done" | "failed" | "cancelled"; owner?: string; label?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<Tasks> {
    return this.send<Tasks>({ method: "GET", path: "/api/v1/tasks", answer: "json", options, query });
  }

  /** All pages of `listTasks`, each asked for when it is reached. */
  allTasks(query: { state?: "waiting" | "running" | "done" | "failed" | "cancelled"; owner?: string; label?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<Task, void, undefined> {
    return pages((cursor) => this.listTasks({ ...query, cursor }, options), query.cursor);
  }

  /** Orders a task: `POST /api/v1/tasks`. */
  submitTask(body: TaskOrder, options: CallOptions = {}): Promise<Task> {
    return this.send<Task>({ method: "POST", path: "/api/v1/tasks", answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Shows a task: `GET /api/v1/tasks/{task}`. */
  showTask(task: string, options: CallOptions = {}): Promise<Task> {
    return this.send<Task>({ method: "GET", path: `/api/v1/tasks/${encodeURIComponent(task)}`, answer: "json", options });
  }

  /** Cancels a task: `POST /api/v1/tasks/{task}/cancel`. */
  cancelTask(task: string, options: CallOptions = {}): Promise<TaskCancelled> {
    return this.send<TaskCancelled>({ method: "POST", path: `/api/v1/tasks/${encodeURIComponent(task)}/cancel`, answer: "json", options, keyed: true });
  }

  /** Begins a failed task again: `POST /api/v1/tasks/{task}/retry`. */
  retryTask(task: string, options: CallOptions = {}): Promise<Task> {
    return this.send<Task>({ method: "POST", path: `/api/v1/tasks/${encodeURIComponent(task)}/retry`, answer: "json", options, keyed: true });
  }

  /** Begins failed tasks again: `POST /api/v1/tasks/retry`. */
  retryDeadTasks(body: TasksRetry, options: CallOptions = {}): Promise<TasksRetried> {
    return this.send<TasksRetried>({ method: "POST", path: "/api/v1/tasks/retry", answer: "json", options, body, media: "application/json" });
  }

  /** Shows the queues of tasks: `GET /api/v1/queues`. */
  listQueues(options: CallOptions = {}): Promise<Queues> {
    return this.send<Queues>({ method: "GET", path: "/api/v1/queues", answer: "json", options });
  }

  /** Lists schedules: `GET /api/v1/schedules`. */
  listSchedules(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<Schedules> {
    return this.send<Schedules>({ method: "GET", path: "/api/v1/schedules", answer: "json", options, query });
  }

  /** All pages of `listSchedules`, each asked for when it is reached. */
  allSchedules(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<Schedule, void, undefined> {
    return pages((cursor) => this.listSchedules({ ...query, cursor }, options), query.cursor);
  }

  /** Adds a schedule: `POST /api/v1/schedules`. */
  addSchedule(body: ScheduleOrder, options: CallOptions = {}): Promise<Schedule> {
    return this.send<Schedule>({ method: "POST", path: "/api/v1/schedules", answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Shows a schedule: `GET /api/v1/schedules/{schedule}`. */
  showSchedule(schedule: string, options: CallOptions = {}): Promise<Schedule> {
    return this.send<Schedule>({ method: "GET", path: `/api/v1/schedules/${encodeURIComponent(schedule)}`, answer: "json", options });
  }

  /** Switches a schedule on or off: `PUT /api/v1/schedules/{schedule}`. */
  switchSchedule(schedule: string, body: ScheduleSwitch, options: CallOptions = {}): Promise<Schedule> {
    return this.send<Schedule>({ method: "PUT", path: `/api/v1/schedules/${encodeURIComponent(schedule)}`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Removes a schedule: `DELETE /api/v1/schedules/{schedule}`. */
  removeSchedule(schedule: string, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/schedules/${encodeURIComponent(schedule)}`, answer: "none", options, keyed: true });
  }

  /** Shows when a schedule runs next: `GET /api/v1/schedules/{schedule}/ticks`. */
  showNextTicks(schedule: string, query: { limit?: number } = {}, options: CallOptions = {}): Promise<Ticks> {
    return this.send<Ticks>({ method: "GET", path: `/api/v1/schedules/${encodeURIComponent(schedule)}/ticks`, answer: "json", options, query });
  }

  /** Shows when a schedule would run: `GET /api/v1/ticks`. */
  previewTicks(query: { kind?: "cron" | "interval" | "once"; spec?: string; timezone?: string; limit?: number } = {}, options: CallOptions = {}): Promise<Ticks> {
    return this.send<Ticks>({ method: "GET", path: "/api/v1/ticks", answer: "json", options, query });
  }

  /** Checks a text: `POST /api/v1/workflows/validate`. */
  validateWorkflow(body: WorkflowText, options: CallOptions = {}): Promise<WorkflowChecked> {
    return this.send<WorkflowChecked>({ method: "POST", path: "/api/v1/workflows/validate", answer: "json", options, body, media: "application/json" });
  }

  /** Shows what workflows may call: `GET /api/v1/workflows/palette`. */
  showPalette(options: CallOptions = {}): Promise<WorkflowPalette> {
    return this.send<WorkflowPalette>({ method: "GET", path: "/api/v1/workflows/palette", answer: "json", options });
  }

  /** Shows workflows to begin from: `GET /api/v1/workflows/examples`. */
  showExamples(options: CallOptions = {}): Promise<WorkflowExamples> {
    return this.send<WorkflowExamples>({ method: "GET", path: "/api/v1/workflows/examples", answer: "json", options });
  }

  /** Evaluates jq: `POST /api/v1/workflows/evaluate`. */
  evaluateExpression(body: ExpressionOrder, options: CallOptions = {}): Promise<ExpressionValue> {
    return this.send<ExpressionValue>({ method: "POST", path: "/api/v1/workflows/evaluate", answer: "json", options, body, media: "application/json" });
  }

  /** Lists workflows: `GET /api/v1/workflows`. */
  listWorkflows(query: { limit?: number; cursor?: string; q?: string } = {}, options: CallOptions = {}): Promise<Workflows> {
    return this.send<Workflows>({ method: "GET", path: "/api/v1/workflows", answer: "json", options, query });
  }

  /** All pages of `listWorkflows`, each asked for when it is reached. */
  allWorkflows(query: { limit?: number; cursor?: string; q?: string } = {}, options: CallOptions = {}): AsyncGenerator<WorkflowLine, void, undefined> {
    return pages((cursor) => this.listWorkflows({ ...query, cursor }, options), query.cursor);
  }

  /** Adds a workflow: `POST /api/v1/workflows`. */
  addWorkflow(body: WorkflowText, options: CallOptions = {}): Promise<Workflow> {
    return this.send<Workflow>({ method: "POST", path: "/api/v1/workflows", answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Shows a workflow: `GET /api/v1/workflows/{workflow}`. */
  showWorkflow(workflow: string, query: { number?: number } = {}, options: CallOptions = {}): Promise<Workflow> {
    return this.send<Workflow>({ method: "GET", path: `/api/v1/workflows/${encodeURIComponent(workflow)}`, answer: "json", options, query });
  }

  /** Keeps another version of a workflow: `PUT /api/v1/workflows/{workflow}`. */
  changeWorkflow(workflow: string, body: WorkflowChange, options: CallOptions = {}): Promise<Workflow> {
    return this.send<Workflow>({ method: "PUT", path: `/api/v1/workflows/${encodeURIComponent(workflow)}`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Removes a workflow; its runs stay: `DELETE /api/v1/workflows/{workflow}`. */
  removeWorkflow(workflow: string, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/workflows/${encodeURIComponent(workflow)}`, answer: "none", options, keyed: true });
  }

  /** Lets a workflow be started: `POST /api/v1/workflows/{workflow}/enable`. */
  enableWorkflow(workflow: string, options: CallOptions = {}): Promise<Workflow> {
    return this.send<Workflow>({ method: "POST", path: `/api/v1/workflows/${encodeURIComponent(workflow)}/enable`, answer: "json", options, keyed: true });
  }

  /** Keeps a workflow from being started: `POST /api/v1/workflows/{workflow}/disable`. */
  disableWorkflow(workflow: string, options: CallOptions = {}): Promise<Workflow> {
    return this.send<Workflow>({ method: "POST", path: `/api/v1/workflows/${encodeURIComponent(workflow)}/disable`, answer: "json", options, keyed: true });
  }

  /** Lists a workflow's versions: `GET /api/v1/workflows/{workflow}/versions`. */
  listWorkflowVersions(workflow: string, options: CallOptions = {}): Promise<WorkflowVersions> {
    return this.send<WorkflowVersions>({ method: "GET", path: `/api/v1/workflows/${encodeURIComponent(workflow)}/versions`, answer: "json", options });
  }

  /** Shows a version: `GET /api/v1/workflows/{workflow}/versions/{number}`. */
  showWorkflowVersion(workflow: string, number: string, options: CallOptions = {}): Promise<WorkflowVersion> {
    return this.send<WorkflowVersion>({ method: "GET", path: `/api/v1/workflows/${encodeURIComponent(workflow)}/versions/${encodeURIComponent(number)}`, answer: "json", options });
  }

  /** Shows what changed between two versions: `GET /api/v1/workflows/{workflow}/diff`. */
  diffWorkflow(workflow: string, query: { from?: number; to?: number } = {}, options: CallOptions = {}): Promise<WorkflowDiff> {
    return this.send<WorkflowDiff>({ method: "GET", path: `/api/v1/workflows/${encodeURIComponent(workflow)}/diff`, answer: "json", options, query });
  }

  /** Lists your drafts of workflows: `GET /api/v1/drafts`. */
  listDrafts(options: CallOptions = {}): Promise<Drafts> {
    return this.send<Drafts>({ method: "GET", path: "/api/v1/drafts", answer: "json", options });
  }

  /** Shows your draft of a workflow: `GET /api/v1/drafts/{draft}`. */
  showDraft(draft: string, options: CallOptions = {}): Promise<DraftShown> {
    return this.send<DraftShown>({ method: "GET", path: `/api/v1/drafts/${encodeURIComponent(draft)}`, answer: "json", options });
  }

  /** Keeps your draft of a workflow: `PUT /api/v1/drafts/{draft}`. */
  keepDraft(draft: string, body: DraftChange, options: CallOptions = {}): Promise<DraftLine> {
    return this.send<DraftLine>({ method: "PUT", path: `/api/v1/drafts/${encodeURIComponent(draft)}`, answer: "json", options, body, media: "application/json" });
  }

  /** Discards your draft of a workflow: `DELETE /api/v1/drafts/{draft}`. */
  discardDraft(draft: string, query: { revision?: string } = {}, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/drafts/${encodeURIComponent(draft)}`, answer: "none", options, query });
  }

  /** Lists outputs pinned to steps for trials: `GET /api/v1/workflows/{workflow}/pins`. */
  listPins(workflow: string, options: CallOptions = {}): Promise<Pins> {
    return this.send<Pins>({ method: "GET", path: `/api/v1/workflows/${encodeURIComponent(workflow)}/pins`, answer: "json", options });
  }

  /** Pins an output to a step for trials: `PUT /api/v1/workflows/{workflow}/pins`. */
  keepPin(workflow: string, body: PinChange, options: CallOptions = {}): Promise<Pin> {
    return this.send<Pin>({ method: "PUT", path: `/api/v1/workflows/${encodeURIComponent(workflow)}/pins`, answer: "json", options, body, media: "application/json" });
  }

  /** Takes a pinned output away: `DELETE /api/v1/workflows/{workflow}/pins`. */
  removePin(workflow: string, query: { step?: string } = {}, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/workflows/${encodeURIComponent(workflow)}/pins`, answer: "none", options, query });
  }

  /** Starts a run: `POST /api/v1/workflows/{workflow}/runs`. */
  startRun(workflow: string, body: RunOrder, options: CallOptions = {}): Promise<Run> {
    return this.send<Run>({ method: "POST", path: `/api/v1/workflows/${encodeURIComponent(workflow)}/runs`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Runs a text that is not applied: `POST /api/v1/workflows/{workflow}/trial`. */
  startTrial(workflow: string, body: TrialOrder, options: CallOptions = {}): Promise<Run> {
    return this.send<Run>({ method: "POST", path: `/api/v1/workflows/${encodeURIComponent(workflow)}/trial`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Lists runs, newest first: `GET /api/v1/runs`. */
  listRuns(query: { workflow?: string; status?: "pending" | "running" | "waiting" | "suspended" | "completed" | "faulted" | "cancelled"; label?: string; owner?: string; since?: number; until?: number; q?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<Runs> {
    return this.send<Runs>({ method: "GET", path: "/api/v1/runs", answer: "json", options, query });
  }

  /** All pages of `listRuns`, each asked for when it is reached. */
  allRuns(query: { workflow?: string; status?: "pending" | "running" | "waiting" | "suspended" | "completed" | "faulted" | "cancelled"; label?: string; owner?: string; since?: number; until?: number; q?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<Run, void, undefined> {
    return pages((cursor) => this.listRuns({ ...query, cursor }, options), query.cursor);
  }

  /** Shows a run: `GET /api/v1/runs/{run}`. */
  showRun(run: string, options: CallOptions = {}): Promise<Run> {
    return this.send<Run>({ method: "GET", path: `/api/v1/runs/${encodeURIComponent(run)}`, answer: "json", options });
  }

  /** Lists the rows of a run's journal: `GET /api/v1/runs/{run}/steps`. */
  listSteps(run: string, query: { after?: number; limit?: number } = {}, options: CallOptions = {}): Promise<RunSteps> {
    return this.send<RunSteps>({ method: "GET", path: `/api/v1/runs/${encodeURIComponent(run)}/steps`, answer: "json", options, query });
  }

  /** Shows a row of a run's journal in full: `GET /api/v1/runs/{run}/steps/{seq}`. */
  showStep(run: string, seq: string, options: CallOptions = {}): Promise<RunStep> {
    return this.send<RunStep>({ method: "GET", path: `/api/v1/runs/${encodeURIComponent(run)}/steps/${encodeURIComponent(seq)}`, answer: "json", options });
  }

  /** Shows a run as spans, down to calls of the host: `GET /api/v1/runs/{run}/timeline`. */
  showTimeline(run: string, query: { after?: number; limit?: number } = {}, options: CallOptions = {}): Promise<RunTimeline> {
    return this.send<RunTimeline>({ method: "GET", path: `/api/v1/runs/${encodeURIComponent(run)}/timeline`, answer: "json", options, query });
  }

  /** Compares two runs of a workflow, step by step: `GET /api/v1/runs/{run}/comparison`. */
  compareRuns(run: string, query: { other?: string } = {}, options: CallOptions = {}): Promise<RunComparison> {
    return this.send<RunComparison>({ method: "GET", path: `/api/v1/runs/${encodeURIComponent(run)}/comparison`, answer: "json", options, query });
  }

  /** Shows what a run does or waits for: `GET /api/v1/runs/{run}/open`. */
  showOpen(run: string, options: CallOptions = {}): Promise<RunOpen> {
    return this.send<RunOpen>({ method: "GET", path: `/api/v1/runs/${encodeURIComponent(run)}/open`, answer: "json", options });
  }

  /** Checks the hashes of a run's rows: `GET /api/v1/runs/{run}/audit`. */
  verifyRun(run: string, options: CallOptions = {}): Promise<RunAudit> {
    return this.send<RunAudit>({ method: "GET", path: `/api/v1/runs/${encodeURIComponent(run)}/audit`, answer: "json", options });
  }

  /** Cancels a run: `POST /api/v1/runs/{run}/cancel`. */
  cancelRun(run: string, options: CallOptions = {}): Promise<Run> {
    return this.send<Run>({ method: "POST", path: `/api/v1/runs/${encodeURIComponent(run)}/cancel`, answer: "json", options, keyed: true });
  }

  /** Lets a run rest: `POST /api/v1/runs/{run}/suspend`. */
  suspendRun(run: string, options: CallOptions = {}): Promise<Run> {
    return this.send<Run>({ method: "POST", path: `/api/v1/runs/${encodeURIComponent(run)}/suspend`, answer: "json", options, keyed: true });
  }

  /** Lets a run go on that rests: `POST /api/v1/runs/{run}/resume`. */
  resumeRun(run: string, options: CallOptions = {}): Promise<Run> {
    return this.send<Run>({ method: "POST", path: `/api/v1/runs/${encodeURIComponent(run)}/resume`, answer: "json", options, keyed: true });
  }

  /** Shows what a retry would keep and what it would do again: `GET /api/v1/runs/{run}/retry`. */
  planRetry(run: string, query: { version?: number; place?: string } = {}, options: CallOptions = {}): Promise<RetryPlan> {
    return this.send<RetryPlan>({ method: "GET", path: `/api/v1/runs/${encodeURIComponent(run)}/retry`, answer: "json", options, query });
  }

  /** Goes on where a run failed or was cut, as a new run: `POST /api/v1/runs/{run}/retry`. */
  retryRun(run: string, body: RunRetry, options: CallOptions = {}): Promise<Run> {
    return this.send<Run>({ method: "POST", path: `/api/v1/runs/${encodeURIComponent(run)}/retry`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Goes on behind a row of a run, as a new run: `POST /api/v1/runs/{run}/fork`. */
  forkRun(run: string, body: RunFork, options: CallOptions = {}): Promise<Run> {
    return this.send<Run>({ method: "POST", path: `/api/v1/runs/${encodeURIComponent(run)}/fork`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Lists decisions that are waited for: `GET /api/v1/approvals`. */
  listApprovals(query: { limit?: number; cursor?: string; run?: string } = {}, options: CallOptions = {}): Promise<Approvals> {
    return this.send<Approvals>({ method: "GET", path: "/api/v1/approvals", answer: "json", options, query });
  }

  /** All pages of `listApprovals`, each asked for when it is reached. */
  allApprovals(query: { limit?: number; cursor?: string; run?: string } = {}, options: CallOptions = {}): AsyncGenerator<Approval, void, undefined> {
    return pages((cursor) => this.listApprovals({ ...query, cursor }, options), query.cursor);
  }

  /** Takes a decision that a run waits for: `POST /api/v1/runs/{run}/approvals`. */
  decide(run: string, body: Decision, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "POST", path: `/api/v1/runs/${encodeURIComponent(run)}/approvals`, answer: "none", options, body, media: "application/json", keyed: true });
  }

  /** Lists memories, the newest first: `GET /api/v1/memory`. */
  listMemories(query: { owner?: string; tier?: "immediate" | "short_term" | "session" | "episodic" | "semantic" | "procedural" | "strategic" | "civilizational" | "evolutionary" | "planetary" | "galactic" | "cosmic"; user?: string; agent?: string; session?: string; app?: string; filter?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<Memories> {
    return this.send<Memories>({ method: "GET", path: "/api/v1/memory", answer: "json", options, query });
  }

  /** All pages of `listMemories`, each asked for when it is reached. */
  allMemories(query: { owner?: string; tier?: "immediate" | "short_term" | "session" | "episodic" | "semantic" | "procedural" | "strategic" | "civilizational" | "evolutionary" | "planetary" | "galactic" | "cosmic"; user?: string; agent?: string; session?: string; app?: string; filter?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<Memory, void, undefined> {
    return pages((cursor) => this.listMemories({ ...query, cursor }, options), query.cursor);
  }

  /** Remembers a text: `POST /api/v1/memory`. */
  storeMemory(body: MemoryOrder, query: { owner?: string } = {}, options: CallOptions = {}): Promise<Memory> {
    return this.send<Memory>({ method: "POST", path: "/api/v1/memory", answer: "json", options, query, body, media: "application/json", keyed: true });
  }

  /** Lists who has memories: `GET /api/v1/memory/owners`. */
  listMemoryOwners(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<MemoryOwners> {
    return this.send<MemoryOwners>({ method: "GET", path: "/api/v1/memory/owners", answer: "json", options, query });
  }

  /** All pages of `listMemoryOwners`, each asked for when it is reached. */
  allMemoryOwners(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<MemoryOwner, void, undefined> {
    return pages((cursor) => this.listMemoryOwners({ ...query, cursor }, options), query.cursor);
  }

  /** Shows how much is remembered: `GET /api/v1/memory/stats`. */
  memoryStats(query: { owner?: string } = {}, options: CallOptions = {}): Promise<MemoryStats> {
    return this.send<MemoryStats>({ method: "GET", path: "/api/v1/memory/stats", answer: "json", options, query });
  }

  /** Lists the twelve tiers: `GET /api/v1/memory/tiers`. */
  memoryTiers(options: CallOptions = {}): Promise<MemoryTiers> {
    return this.send<MemoryTiers>({ method: "GET", path: "/api/v1/memory/tiers", answer: "json", options });
  }

  /** Exports memories as a pack: `GET /api/v1/memory/pack`. */
  exportMemories(query: { owner?: string; name?: string; version?: string; tier?: "immediate" | "short_term" | "session" | "episodic" | "semantic" | "procedural" | "strategic" | "civilizational" | "evolutionary" | "planetary" | "galactic" | "cosmic"; user?: string; agent?: string; session?: string; app?: string; filter?: string } = {}, options: CallOptions = {}): Promise<Uint8Array> {
    return this.send<Uint8Array>({ method: "GET", path: "/api/v1/memory/pack", answer: "bytes", options, query });
  }

  /** Imports a pack of memories: `POST /api/v1/memory/pack`. */
  importMemories(body: Uint8Array, query: { owner?: string; tier?: "immediate" | "short_term" | "session" | "episodic" | "semantic" | "procedural" | "strategic" | "civilizational" | "evolutionary" | "planetary" | "galactic" | "cosmic" } = {}, options: CallOptions = {}): Promise<MemoryImported> {
    return this.send<MemoryImported>({ method: "POST", path: "/api/v1/memory/pack", answer: "json", options, query, body, media: "application/jsonl", keyed: true });
  }

  /** Recalls what fits a text: `POST /api/v1/memory/recall`. */
  recallMemories(body: MemoryQuestion, query: { owner?: string } = {}, options: CallOptions = {}): Promise<Recalled> {
    return this.send<Recalled>({ method: "POST", path: "/api/v1/memory/recall", answer: "json", options, query, body, media: "application/json" });
  }

  /** Erases all of a user, an agent, a session or an app: `POST /api/v1/memory/forget`. */
  eraseMemories(body: MemoryErasure, query: { owner?: string } = {}, options: CallOptions = {}): Promise<MemoriesErased> {
    return this.send<MemoriesErased>({ method: "POST", path: "/api/v1/memory/forget", answer: "json", options, query, body, media: "application/json", keyed: true });
  }

  /** Consolidates now: `POST /api/v1/memory/consolidate`. */
  consolidateMemories(options: CallOptions = {}): Promise<Consolidated> {
    return this.send<Consolidated>({ method: "POST", path: "/api/v1/memory/consolidate", answer: "json", options, keyed: true });
  }

  /** Lists what is known of somebody, the oldest first: `GET /api/v1/memory/facts`. */
  listFacts(query: { owner?: string; about?: string; user?: string; agent?: string; session?: string; app?: string } = {}, options: CallOptions = {}): Promise<MemoryFacts> {
    return this.send<MemoryFacts>({ method: "GET", path: "/api/v1/memory/facts", answer: "json", options, query });
  }

  /** States a fact: `POST /api/v1/memory/facts`. */
  stateFact(body: MemoryFactOrder, query: { owner?: string } = {}, options: CallOptions = {}): Promise<MemoryFactStated> {
    return this.send<MemoryFactStated>({ method: "POST", path: "/api/v1/memory/facts", answer: "json", options, query, body, media: "application/json", keyed: true });
  }

  /** Shows all that is known of somebody: `GET /api/v1/memory/entities/{entity}`. */
  showEntity(entity: string, query: { owner?: string; user?: string; agent?: string; session?: string; app?: string } = {}, options: CallOptions = {}): Promise<MemoryEntity> {
    return this.send<MemoryEntity>({ method: "GET", path: `/api/v1/memory/entities/${encodeURIComponent(entity)}`, answer: "json", options, query });
  }

  /** Removes a fact; the memory that states it stays: `DELETE /api/v1/memory/facts/{fact}`. */
  removeFact(fact: string, query: { owner?: string } = {}, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/memory/facts/${encodeURIComponent(fact)}`, answer: "none", options, query, keyed: true });
  }

  /** Lists core blocks, which every recall gives: `GET /api/v1/memory/blocks`. */
  listBlocks(query: { owner?: string; user?: string; agent?: string; session?: string; app?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<MemoryBlocks> {
    return this.send<MemoryBlocks>({ method: "GET", path: "/api/v1/memory/blocks", answer: "json", options, query });
  }

  /** All pages of `listBlocks`, each asked for when it is reached. */
  allBlocks(query: { owner?: string; user?: string; agent?: string; session?: string; app?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<MemoryBlock, void, undefined> {
    return pages((cursor) => this.listBlocks({ ...query, cursor }, options), query.cursor);
  }

  /** Shows a core block: `GET /api/v1/memory/blocks/{block}`. */
  showBlock(block: string, query: { owner?: string; user?: string; agent?: string; session?: string; app?: string } = {}, options: CallOptions = {}): Promise<MemoryBlock> {
    return this.send<MemoryBlock>({ method: "GET", path: `/api/v1/memory/blocks/${encodeURIComponent(block)}`, answer: "json", options, query });
  }

  /** Makes, changes or restores a core block: `PUT /api/v1/memory/blocks/{block}`. */
  writeBlock(block: string, body: MemoryBlockOrder, query: { owner?: string; user?: string; agent?: string; session?: string; app?: string } = {}, options: CallOptions = {}): Promise<MemoryBlock> {
    return this.send<MemoryBlock>({ method: "PUT", path: `/api/v1/memory/blocks/${encodeURIComponent(block)}`, answer: "json", options, query, body, media: "application/json" });
  }

  /** Removes a core block and its history: `DELETE /api/v1/memory/blocks/{block}`. */
  removeBlock(block: string, query: { owner?: string; user?: string; agent?: string; session?: string; app?: string } = {}, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/memory/blocks/${encodeURIComponent(block)}`, answer: "none", options, query, keyed: true });
  }

  /** Lists what a core block said: `GET /api/v1/memory/blocks/{block}/versions`. */
  listBlockVersions(block: string, query: { owner?: string; user?: string; agent?: string; session?: string; app?: string } = {}, options: CallOptions = {}): Promise<MemoryBlockVersions> {
    return this.send<MemoryBlockVersions>({ method: "GET", path: `/api/v1/memory/blocks/${encodeURIComponent(block)}/versions`, answer: "json", options, query });
  }

  /** Shows a memory: `GET /api/v1/memory/{memory}`. */
  showMemory(memory: string, options: CallOptions = {}): Promise<Memory> {
    return this.send<Memory>({ method: "GET", path: `/api/v1/memory/${encodeURIComponent(memory)}`, answer: "json", options });
  }

  /** Pins, approves or corrects a memory: `POST /api/v1/memory/{memory}`. */
  changeMemory(memory: string, body: MemoryChange, options: CallOptions = {}): Promise<Memory> {
    return this.send<Memory>({ method: "POST", path: `/api/v1/memory/${encodeURIComponent(memory)}`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Erases a memory and all that was made of it: `DELETE /api/v1/memory/{memory}`. */
  forgetMemory(memory: string, options: CallOptions = {}): Promise<MemoriesForgotten> {
    return this.send<MemoriesForgotten>({ method: "DELETE", path: `/api/v1/memory/${encodeURIComponent(memory)}`, answer: "json", options, keyed: true });
  }

  /** Lists vector collections: `GET /api/v1/vectors/collections`. */
  listCollections(query: { limit?: number; cursor?: string; owner?: string } = {}, options: CallOptions = {}): Promise<Collections> {
    return this.send<Collections>({ method: "GET", path: "/api/v1/vectors/collections", answer: "json", options, query });
  }

  /** All pages of `listCollections`, each asked for when it is reached. */
  allCollections(query: { limit?: number; cursor?: string; owner?: string } = {}, options: CallOptions = {}): AsyncGenerator<Collection, void, undefined> {
    return pages((cursor) => this.listCollections({ ...query, cursor }, options), query.cursor);
  }

  /** Makes a vector collection: `POST /api/v1/vectors/collections`. */
  createCollection(body: CollectionOrder, query: { owner?: string } = {}, options: CallOptions = {}): Promise<Collection> {
    return this.send<Collection>({ method: "POST", path: "/api/v1/vectors/collections", answer: "json", options, query, body, media: "application/json", keyed: true });
  }

  /** Shows a vector collection: `GET /api/v1/vectors/collections/{collection}`. */
  showCollection(collection: string, query: { owner?: string } = {}, options: CallOptions = {}): Promise<Collection> {
    return this.send<Collection>({ method: "GET", path: `/api/v1/vectors/collections/${encodeURIComponent(collection)}`, answer: "json", options, query });
  }

  /** Drops a vector collection: `DELETE /api/v1/vectors/collections/{collection}`. */
  dropCollection(collection: string, query: { owner?: string } = {}, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/vectors/collections/${encodeURIComponent(collection)}`, answer: "none", options, query, keyed: true });
  }

  /** Shows the index of a collection: `GET /api/v1/vectors/collections/{collection}/index`. */
  showIndex(collection: string, query: { owner?: string } = {}, options: CallOptions = {}): Promise<CollectionIndex> {
    return this.send<CollectionIndex>({ method: "GET", path: `/api/v1/vectors/collections/${encodeURIComponent(collection)}/index`, answer: "json", options, query });
  }

  /** Rebuilds the index of a collection and its copy on disk: `POST /api/v1/vectors/collections/{collection}/index`. */
  rebuildIndex(collection: string, query: { owner?: string } = {}, options: CallOptions = {}): Promise<CollectionIndex> {
    return this.send<CollectionIndex>({ method: "POST", path: `/api/v1/vectors/collections/${encodeURIComponent(collection)}/index`, answer: "json", options, query, keyed: true });
  }

  /** Keeps vectors, all or none: `POST /api/v1/vectors/collections/{collection}/vectors`. */
  upsertVectors(collection: string, body: VectorOrder, query: { owner?: string } = {}, options: CallOptions = {}): Promise<VectorCount> {
    return this.send<VectorCount>({ method: "POST", path: `/api/v1/vectors/collections/${encodeURIComponent(collection)}/vectors`, answer: "json", options, query, body, media: "application/json", keyed: true });
  }

  /** Finds the nearest vectors: `POST /api/v1/vectors/collections/{collection}/search`. */
  searchVectors(collection: string, body: VectorQuery, query: { owner?: string } = {}, options: CallOptions = {}): Promise<Matches> {
    return this.send<Matches>({ method: "POST", path: `/api/v1/vectors/collections/${encodeURIComponent(collection)}/search`, answer: "json", options, query, body, media: "application/json" });
  }

  /** Deletes vectors by id: `POST /api/v1/vectors/collections/{collection}/delete`. */
  deleteVectors(collection: string, body: VectorIds, query: { owner?: string } = {}, options: CallOptions = {}): Promise<VectorCount> {
    return this.send<VectorCount>({ method: "POST", path: `/api/v1/vectors/collections/${encodeURIComponent(collection)}/delete`, answer: "json", options, query, body, media: "application/json", keyed: true });
  }

  /** Lists the kinds of connectors: `GET /api/v1/connectors/kinds`. */
  listConnectorKinds(options: CallOptions = {}): Promise<ConnectorKinds> {
    return this.send<ConnectorKinds>({ method: "GET", path: "/api/v1/connectors/kinds", answer: "json", options });
  }

  /** Adds a kind of connector: `POST /api/v1/connectors/kinds`. */
  addConnectorKind(body: ConnectorKindOrder, options: CallOptions = {}): Promise<ConnectorKind> {
    return this.send<ConnectorKind>({ method: "POST", path: "/api/v1/connectors/kinds", answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Shows a kind of connector: `GET /api/v1/connectors/kinds/{kind}`. */
  showConnectorKind(kind: string, options: CallOptions = {}): Promise<ConnectorKind> {
    return this.send<ConnectorKind>({ method: "GET", path: `/api/v1/connectors/kinds/${encodeURIComponent(kind)}`, answer: "json", options });
  }

  /** Removes a kind that was added: `DELETE /api/v1/connectors/kinds/{kind}`. */
  removeConnectorKind(kind: string, options: CallOptions = {}): Promise<Removed> {
    return this.send<Removed>({ method: "DELETE", path: `/api/v1/connectors/kinds/${encodeURIComponent(kind)}`, answer: "json", options, keyed: true });
  }

  /** Lists connectors: `GET /api/v1/connectors`. */
  listConnectors(options: CallOptions = {}): Promise<Connectors> {
    return this.send<Connectors>({ method: "GET", path: "/api/v1/connectors", answer: "json", options });
  }

  /** Adds a connector: `POST /api/v1/connectors`. */
  addConnector(body: ConnectorOrder, options: CallOptions = {}): Promise<Connector> {
    return this.send<Connector>({ method: "POST", path: "/api/v1/connectors", answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Shows a connector: `GET /api/v1/connectors/{connector}`. */
  showConnector(connector: string, options: CallOptions = {}): Promise<Connector> {
    return this.send<Connector>({ method: "GET", path: `/api/v1/connectors/${encodeURIComponent(connector)}`, answer: "json", options });
  }

  /** Changes a connector: `PUT /api/v1/connectors/{connector}`. */
  changeConnector(connector: string, body: ConnectorChange, options: CallOptions = {}): Promise<Connector> {
    return this.send<Connector>({ method: "PUT", path: `/api/v1/connectors/${encodeURIComponent(connector)}`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Removes a connector: `DELETE /api/v1/connectors/{connector}`. */
  removeConnector(connector: string, options: CallOptions = {}): Promise<Removed> {
    return this.send<Removed>({ method: "DELETE", path: `/api/v1/connectors/${encodeURIComponent(connector)}`, answer: "json", options, keyed: true });
  }

  /** Tests a connector: `POST /api/v1/connectors/{connector}/test`. */
  testConnector(connector: string, options: CallOptions = {}): Promise<ConnectorTest> {
    return this.send<ConnectorTest>({ method: "POST", path: `/api/v1/connectors/${encodeURIComponent(connector)}/test`, answer: "json", options });
  }

  /** Lists what a connector can do: `GET /api/v1/connectors/{connector}/actions`. */
  listActions(connector: string, options: CallOptions = {}): Promise<ConnectorActions> {
    return this.send<ConnectorActions>({ method: "GET", path: `/api/v1/connectors/${encodeURIComponent(connector)}/actions`, answer: "json", options });
  }

  /** Does an action: `POST /api/v1/connectors/{connector}/actions/{action}`. */
  callConnector(connector: string, action: string, body: ConnectorCall, options: CallOptions = {}): Promise<ConnectorOutput> {
    return this.send<ConnectorOutput>({ method: "POST", path: `/api/v1/connectors/${encodeURIComponent(connector)}/actions/${encodeURIComponent(action)}`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Lists who used a connector: `GET /api/v1/connectors/{connector}/uses`. */
  listUses(connector: string, query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<ConnectorUses> {
    return this.send<ConnectorUses>({ method: "GET", path: `/api/v1/connectors/${encodeURIComponent(connector)}/uses`, answer: "json", options, query });
  }

  /** All pages of `listUses`, each asked for when it is reached. */
  allUses(connector: string, query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<ConnectorUse, void, undefined> {
    return pages((cursor) => this.listUses(connector, { ...query, cursor }, options), query.cursor);
  }

  /** Publishes an event: `POST /api/connectors/{connector}/trigger`. */
  triggerConnector(connector: string, body: Trigger, options: CallOptions = {}): Promise<Status> {
    return this.send<Status>({ method: "POST", path: `/api/connectors/${encodeURIComponent(connector)}/trigger`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Takes a delivery of a service in: `POST /hooks/{hook}`. */
  deliver(hook: string, body: Uint8Array, options: CallOptions = {}): Promise<Json> {
    return this.send<Json>({ method: "POST", path: `/hooks/${encodeURIComponent(hook)}`, answer: "json", options, body, media: "application/octet-stream" });
  }

  /** Lists webhooks: `GET /api/v1/webhooks`. */
  listWebhooks(options: CallOptions = {}): Promise<Webhooks> {
    return this.send<Webhooks>({ method: "GET", path: "/api/v1/webhooks", answer: "json", options });
  }

  /** Adds a webhook: `POST /api/v1/webhooks`. */
  addWebhook(body: WebhookOrder, options: CallOptions = {}): Promise<Webhook> {
    return this.send<Webhook>({ method: "POST", path: "/api/v1/webhooks", answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Shows a webhook: `GET /api/v1/webhooks/{webhook}`. */
  showWebhook(webhook: string, options: CallOptions = {}): Promise<Webhook> {
    return this.send<Webhook>({ method: "GET", path: `/api/v1/webhooks/${encodeURIComponent(webhook)}`, answer: "json", options });
  }

  /** Removes a webhook and its deliveries: `DELETE /api/v1/webhooks/{webhook}`. */
  removeWebhook(webhook: string, options: CallOptions = {}): Promise<Removed> {
    return this.send<Removed>({ method: "DELETE", path: `/api/v1/webhooks/${encodeURIComponent(webhook)}`, answer: "json", options, keyed: true });
  }

  /** Lists deliveries: `GET /api/v1/webhooks/{webhook}/deliveries`. */
  listDeliveries(webhook: string, query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<WebhookDeliveries> {
    return this.send<WebhookDeliveries>({ method: "GET", path: `/api/v1/webhooks/${encodeURIComponent(webhook)}/deliveries`, answer: "json", options, query });
  }

  /** All pages of `listDeliveries`, each asked for when it is reached. */
  allDeliveries(webhook: string, query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<WebhookDelivery, void, undefined> {
    return pages((cursor) => this.listDeliveries(webhook, { ...query, cursor }, options), query.cursor);
  }

  /** Shows a delivery with its body: `GET /api/v1/webhooks/{webhook}/deliveries/{delivery}`. */
  showDelivery(webhook: string, delivery: string, options: CallOptions = {}): Promise<WebhookDeliveryBody> {
    return this.send<WebhookDeliveryBody>({ method: "GET", path: `/api/v1/webhooks/${encodeURIComponent(webhook)}/deliveries/${encodeURIComponent(delivery)}`, answer: "json", options });
  }

  /** Publishes a delivery once more: `POST /api/v1/webhooks/{webhook}/deliveries/{delivery}/redeliver`. */
  redeliver(webhook: string, delivery: string, options: CallOptions = {}): Promise<Status> {
    return this.send<Status>({ method: "POST", path: `/api/v1/webhooks/${encodeURIComponent(webhook)}/deliveries/${encodeURIComponent(delivery)}/redeliver`, answer: "json", options, keyed: true });
  }

  /** Lists events of the past, newest first: `GET /api/v1/events`. */
  listEvents(query: { topic?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<Events> {
    return this.send<Events>({ method: "GET", path: "/api/v1/events", answer: "json", options, query });
  }

  /** All pages of `listEvents`, each asked for when it is reached. */
  allEvents(query: { topic?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<Event, void, undefined> {
    return pages((cursor) => this.listEvents({ ...query, cursor }, options), query.cursor);
  }

  /** Publishes events to workflows: `POST /api/v1/events`. */
  publishEvents(body: CloudEvent, options: CallOptions = {}): Promise<Published> {
    return this.send<Published>({ method: "POST", path: "/api/v1/events", answer: "json", options, body, media: "application/cloudevents+json", keyed: true });
  }

  /** Shows how the lanes stand: `GET /api/v1/loops`. */
  listLanes(options: CallOptions = {}): Promise<Lanes> {
    return this.send<Lanes>({ method: "GET", path: "/api/v1/loops", answer: "json", options });
  }

  /** Shows how a lane stands: `GET /api/v1/loops/{lane}`. */
  showLane(lane: string, options: CallOptions = {}): Promise<Lane> {
    return this.send<Lane>({ method: "GET", path: `/api/v1/loops/${encodeURIComponent(lane)}`, answer: "json", options });
  }

  /** Runs a cycle of a lane now: `POST /api/v1/loops/{lane}/cycles`. */
  runCycle(lane: string, body: CycleOrder, options: CallOptions = {}): Promise<Cycle> {
    return this.send<Cycle>({ method: "POST", path: `/api/v1/loops/${encodeURIComponent(lane)}/cycles`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Lists intelligences: `GET /api/v1/intelligences`. */
  listIntelligences(query: { status?: "Ready" | "Unverified" | "MissingCapabilities"; retired?: boolean; limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<Intelligences> {
    return this.send<Intelligences>({ method: "GET", path: "/api/v1/intelligences", answer: "json", options, query });
  }

  /** All pages of `listIntelligences`, each asked for when it is reached. */
  allIntelligences(query: { status?: "Ready" | "Unverified" | "MissingCapabilities"; retired?: boolean; limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<Intelligence, void, undefined> {
    return pages((cursor) => this.listIntelligences({ ...query, cursor }, options), query.cursor);
  }

  /** Makes an intelligence: `POST /api/v1/intelligences`. */
  createIntelligence(body: IntelligenceSpec, options: CallOptions = {}): Promise<Intelligence> {
    return this.send<Intelligence>({ method: "POST", path: "/api/v1/intelligences", answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Shows one: `GET /api/v1/intelligences/{intelligence}`. */
  showIntelligence(intelligence: string, options: CallOptions = {}): Promise<Intelligence> {
    return this.send<Intelligence>({ method: "GET", path: `/api/v1/intelligences/${encodeURIComponent(intelligence)}`, answer: "json", options });
  }

  /** Ends one: `DELETE /api/v1/intelligences/{intelligence}`. */
  retireIntelligence(intelligence: string, options: CallOptions = {}): Promise<Intelligence> {
    return this.send<Intelligence>({ method: "DELETE", path: `/api/v1/intelligences/${encodeURIComponent(intelligence)}`, answer: "json", options, keyed: true });
  }

  /** Uses one: `POST /api/v1/intelligences/{intelligence}/calls`. */
  callIntelligence(intelligence: string, body: IntelligenceCall, options: CallOptions = {}): Promise<IntelligenceAnswer> {
    return this.send<IntelligenceAnswer>({ method: "POST", path: `/api/v1/intelligences/${encodeURIComponent(intelligence)}/calls`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Tests one on cases: `POST /api/v1/intelligences/{intelligence}/practices`. */
  practiseIntelligence(intelligence: string, body: Practice, options: CallOptions = {}): Promise<Intelligence> {
    return this.send<Intelligence>({ method: "POST", path: `/api/v1/intelligences/${encodeURIComponent(intelligence)}/practices`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Lists searches for better workflows: `GET /api/v1/evolutions`. */
  listEvolutions(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<Evolutions> {
    return this.send<Evolutions>({ method: "GET", path: "/api/v1/evolutions", answer: "json", options, query });
  }

  /** All pages of `listEvolutions`, each asked for when it is reached. */
  allEvolutions(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<Evolution, void, undefined> {
    return pages((cursor) => this.listEvolutions({ ...query, cursor }, options), query.cursor);
  }

  /** Begins a search for a better workflow: `POST /api/v1/evolutions`. */
  beginEvolution(body: EvolutionOrder, options: CallOptions = {}): Promise<Evolution> {
    return this.send<Evolution>({ method: "POST", path: "/api/v1/evolutions", answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Shows a search: `GET /api/v1/evolutions/{evolution}`. */
  showEvolution(evolution: string, options: CallOptions = {}): Promise<Evolution> {
    return this.send<Evolution>({ method: "GET", path: `/api/v1/evolutions/${encodeURIComponent(evolution)}`, answer: "json", options });
  }

  /** Lists its candidates: `GET /api/v1/evolutions/{evolution}/candidates`. */
  listCandidates(evolution: string, query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<EvolutionCandidates> {
    return this.send<EvolutionCandidates>({ method: "GET", path: `/api/v1/evolutions/${encodeURIComponent(evolution)}/candidates`, answer: "json", options, query });
  }

  /** All pages of `listCandidates`, each asked for when it is reached. */
  allCandidates(evolution: string, query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<EvolutionCandidate, void, undefined> {
    return pages((cursor) => this.listCandidates(evolution, { ...query, cursor }, options), query.cursor);
  }

  /** Shows the workflow that a candidate is: `GET /api/v1/evolutions/{evolution}/candidates/{candidate}`. */
  showCandidate(evolution: string, candidate: string, options: CallOptions = {}): Promise<EvolutionDocument> {
    return this.send<EvolutionDocument>({ method: "GET", path: `/api/v1/evolutions/${encodeURIComponent(evolution)}/candidates/${encodeURIComponent(candidate)}`, answer: "json", options });
  }

  /** Stops a search: `POST /api/v1/evolutions/{evolution}/stop`. */
  endEvolution(evolution: string, options: CallOptions = {}): Promise<Evolution> {
    return this.send<Evolution>({ method: "POST", path: `/api/v1/evolutions/${encodeURIComponent(evolution)}/stop`, answer: "json", options, keyed: true });
  }

  /** Makes its best candidate the next version of the workflow, for a share of its runs first where one is given: `POST /api/v1/evolutions/{evolution}/promote`. */
  promoteCandidate(evolution: string, body: EvolutionCanary, options: CallOptions = {}): Promise<Evolution> {
    return this.send<Evolution>({ method: "POST", path: `/api/v1/evolutions/${encodeURIComponent(evolution)}/promote`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Makes the workflow as it was before the promotion its next version: `POST /api/v1/evolutions/{evolution}/rollback`. */
  undoPromotion(evolution: string, options: CallOptions = {}): Promise<Evolution> {
    return this.send<Evolution>({ method: "POST", path: `/api/v1/evolutions/${encodeURIComponent(evolution)}/rollback`, answer: "json", options, keyed: true });
  }

  /** Lists plugins as OmniFlow does: `GET /api/plugins`. */
  listPluginsPlain(options: CallOptions = {}): Promise<PlainPlugin[]> {
    return this.send<PlainPlugin[]>({ method: "GET", path: "/api/plugins", answer: "json", options });
  }

  /** Calls as OmniFlow does: `POST /api/plugins/{plugin}/execute`. */
  executePlugin(plugin: string, body: Execution, options: CallOptions = {}): Promise<Executed> {
    return this.send<Executed>({ method: "POST", path: `/api/plugins/${encodeURIComponent(plugin)}/execute`, answer: "json", options, body, media: "application/json" });
  }

  /** Lists workflows as OmniFlow does: `GET /api/workflows`. */
  listWorkflowsPlain(options: CallOptions = {}): Promise<PlainWorkflow[]> {
    return this.send<PlainWorkflow[]>({ method: "GET", path: "/api/workflows", answer: "json", options });
  }

  /** Keeps a workflow as OmniFlow does: `POST /api/workflows`. */
  addWorkflowPlain(body: Record<string, Json>, options: CallOptions = {}): Promise<PlainWorkflow> {
    return this.send<PlainWorkflow>({ method: "POST", path: "/api/workflows", answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Shows a workflow: `GET /api/workflows/{workflow}`. */
  showWorkflowPlain(workflow: string, options: CallOptions = {}): Promise<PlainWorkflow> {
    return this.send<PlainWorkflow>({ method: "GET", path: `/api/workflows/${encodeURIComponent(workflow)}`, answer: "json", options });
  }

  /** Runs a workflow: `POST /api/workflows/{workflow}/execute`. */
  executeWorkflow(workflow: string, body: WorkflowExecution, options: CallOptions = {}): Promise<WorkflowExecuted> {
    return this.send<WorkflowExecuted>({ method: "POST", path: `/api/workflows/${encodeURIComponent(workflow)}/execute`, answer: "json", options, body, media: "application/json", keyed: true });
  }

  /** Lists who changed what, newest first: `GET /api/v1/audit`. */
  listAudit(query: { limit?: number; cursor?: string; actor?: string; action?: string; target?: string } = {}, options: CallOptions = {}): Promise<AuditRows> {
    return this.send<AuditRows>({ method: "GET", path: "/api/v1/audit", answer: "json", options, query });
  }

  /** All pages of `listAudit`, each asked for when it is reached. */
  allAudit(query: { limit?: number; cursor?: string; actor?: string; action?: string; target?: string } = {}, options: CallOptions = {}): AsyncGenerator<AuditRow, void, undefined> {
    return pages((cursor) => this.listAudit({ ...query, cursor }, options), query.cursor);
  }

  /** Checks the chain of the record: `POST /api/v1/audit/verify`. */
  verifyAudit(body: AuditCheck, options: CallOptions = {}): Promise<AuditVerdict> {
    return this.send<AuditVerdict>({ method: "POST", path: "/api/v1/audit/verify", answer: "json", options, body, media: "application/json" });
  }

  /** Tells that the process lives: `GET /healthz`. */
  alive(options: CallOptions = {}): Promise<Status> {
    return this.send<Status>({ method: "GET", path: "/healthz", answer: "json", options });
  }

  /** Tells whether plugins can be called: `GET /readyz`. */
  ready(options: CallOptions = {}): Promise<Readiness> {
    return this.send<Readiness>({ method: "GET", path: "/readyz", answer: "json", options });
  }

  /** Shows the health of every part: `GET /api/v1/health`. */
  showHealth(options: CallOptions = {}): Promise<Health> {
    return this.send<Health>({ method: "GET", path: "/api/v1/health", answer: "json", options });
  }

  /** Metrics in Prometheus' text format: `GET /metrics`. */
  metrics(options: CallOptions = {}): Promise<Uint8Array> {
    return this.send<Uint8Array>({ method: "GET", path: "/metrics", answer: "bytes", options });
  }

  /** Calls and errors over time: `GET /api/v1/metrics/series`. */
  showSeries(query: { minutes?: number } = {}, options: CallOptions = {}): Promise<Series> {
    return this.send<Series>({ method: "GET", path: "/api/v1/metrics/series", answer: "json", options, query });
  }

  /** Lists what took the time, since this host started: `GET /api/v1/metrics/calls`. */
  listCallFigures(query: { plugin?: string; kind?: "function" | "host"; limit?: number } = {}, options: CallOptions = {}): Promise<FunctionFiguresList> {
    return this.send<FunctionFiguresList>({ method: "GET", path: "/api/v1/metrics/calls", answer: "json", options, query });
  }

  /** Lists alarms by name: `GET /api/v1/alarms`. */
  listAlarms(options: CallOptions = {}): Promise<Alarms> {
    return this.send<Alarms>({ method: "GET", path: "/api/v1/alarms", answer: "json", options });
  }

  /** Shows an alarm: `GET /api/v1/alarms/{alarm}`. */
  showAlarm(alarm: string, options: CallOptions = {}): Promise<Alarm> {
    return this.send<Alarm>({ method: "GET", path: `/api/v1/alarms/${encodeURIComponent(alarm)}`, answer: "json", options });
  }

  /** Sets an alarm: `PUT /api/v1/alarms/{alarm}`. */
  putAlarm(alarm: string, body: AlarmOrder, options: CallOptions = {}): Promise<Alarm> {
    return this.send<Alarm>({ method: "PUT", path: `/api/v1/alarms/${encodeURIComponent(alarm)}`, answer: "json", options, body, media: "application/json" });
  }

  /** Removes an alarm: `DELETE /api/v1/alarms/{alarm}`. */
  removeAlarm(alarm: string, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/alarms/${encodeURIComponent(alarm)}`, answer: "none", options });
  }

  /** Lists calls of plugins that this host keeps, newest first: `GET /api/v1/calls`. */
  listKeptCalls(query: { plugin?: string; function?: string; version?: string; run?: string; state?: "ok" | "failed" | "slow"; since?: number; until?: number; least_ms?: number; q?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<KeptCalls> {
    return this.send<KeptCalls>({ method: "GET", path: "/api/v1/calls", answer: "json", options, query });
  }

  /** All pages of `listKeptCalls`, each asked for when it is reached. */
  allKeptCalls(query: { plugin?: string; function?: string; version?: string; run?: string; state?: "ok" | "failed" | "slow"; since?: number; until?: number; least_ms?: number; q?: string; limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<KeptCall, void, undefined> {
    return pages((cursor) => this.listKeptCalls({ ...query, cursor }, options), query.cursor);
  }

  /** Shows a call that this host keeps: `GET /api/v1/calls/{call}`. */
  showKeptCall(call: string, options: CallOptions = {}): Promise<KeptCall> {
    return this.send<KeptCall>({ method: "GET", path: `/api/v1/calls/${encodeURIComponent(call)}`, answer: "json", options });
  }

  /** Tells what the host is and where it runs: `GET /api/v1/host`. */
  showHost(options: CallOptions = {}): Promise<Host> {
    return this.send<Host>({ method: "GET", path: "/api/v1/host", answer: "json", options });
  }

  /** Health, versions, logs, without secrets: `GET /api/v1/diagnostics`. */
  diagnostics(options: CallOptions = {}): Promise<Uint8Array> {
    return this.send<Uint8Array>({ method: "GET", path: "/api/v1/diagnostics", answer: "bytes", options });
  }

  /** Lists the settings and their origins: `GET /api/v1/settings`. */
  listSettings(options: CallOptions = {}): Promise<Settings> {
    return this.send<Settings>({ method: "GET", path: "/api/v1/settings", answer: "json", options });
  }

  /** Shows a setting: `GET /api/v1/settings/{setting}`. */
  showSetting(setting: string, options: CallOptions = {}): Promise<Setting> {
    return this.send<Setting>({ method: "GET", path: `/api/v1/settings/${encodeURIComponent(setting)}`, answer: "json", options });
  }

  /** Sets a setting: `PUT /api/v1/settings/{setting}`. */
  setSetting(setting: string, body: SettingOrder, options: CallOptions = {}): Promise<Setting> {
    return this.send<Setting>({ method: "PUT", path: `/api/v1/settings/${encodeURIComponent(setting)}`, answer: "json", options, body, media: "application/json" });
  }

  /** Takes a setting back: `DELETE /api/v1/settings/{setting}`. */
  unsetSetting(setting: string, options: CallOptions = {}): Promise<Setting> {
    return this.send<Setting>({ method: "DELETE", path: `/api/v1/settings/${encodeURIComponent(setting)}`, answer: "json", options });
  }

  /** Lists the backups: `GET /api/v1/backups`. */
  listBackups(options: CallOptions = {}): Promise<Backups> {
    return this.send<Backups>({ method: "GET", path: "/api/v1/backups", answer: "json", options });
  }

  /** Makes a backup while the host runs: `POST /api/v1/backups`. */
  makeBackup(options: CallOptions = {}): Promise<Backup> {
    return this.send<Backup>({ method: "POST", path: "/api/v1/backups", answer: "json", options });
  }

  /** Downloads a backup: `GET /api/v1/backups/{backup}`. */
  downloadBackup(backup: string, options: CallOptions = {}): Promise<Uint8Array> {
    return this.send<Uint8Array>({ method: "GET", path: `/api/v1/backups/${encodeURIComponent(backup)}`, answer: "bytes", options });
  }

  /** Deletes a backup: `DELETE /api/v1/backups/{backup}`. */
  deleteBackup(backup: string, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/backups/${encodeURIComponent(backup)}`, answer: "none", options });
  }

  /** Restores one at the next start: `POST /api/v1/backups/{backup}/restore`. */
  restoreBackup(backup: string, body: RestoreOrder, options: CallOptions = {}): Promise<StagedRestore> {
    return this.send<StagedRestore>({ method: "POST", path: `/api/v1/backups/${encodeURIComponent(backup)}/restore`, answer: "json", options, body, media: "application/json" });
  }

  /** Takes a restore back: `DELETE /api/v1/backups/{backup}/restore`. */
  cancelRestore(backup: string, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/backups/${encodeURIComponent(backup)}/restore`, answer: "none", options });
  }

  /** Lists the hosts of the fleet: `GET /api/v1/fleet`. */
  listHosts(options: CallOptions = {}): Promise<FleetHosts> {
    return this.send<FleetHosts>({ method: "GET", path: "/api/v1/fleet", answer: "json", options });
  }

  /** Makes a token by which one host may join: `POST /api/v1/fleet/tokens`. */
  addFleetToken(options: CallOptions = {}): Promise<NewFleetToken> {
    return this.send<NewFleetToken>({ method: "POST", path: "/api/v1/fleet/tokens", answer: "json", options });
  }

  /** Admits a new host that has a token: `POST /api/v1/fleet/join`. */
  joinFleet(body: FleetJoin, options: CallOptions = {}): Promise<FleetJoined> {
    return this.send<FleetJoined>({ method: "POST", path: "/api/v1/fleet/join", answer: "json", options, body, media: "application/json" });
  }

  /** Shows a host of the fleet: `GET /api/v1/fleet/{host}`. */
  showFleetHost(host: string, options: CallOptions = {}): Promise<FleetHostView> {
    return this.send<FleetHostView>({ method: "GET", path: `/api/v1/fleet/${encodeURIComponent(host)}`, answer: "json", options });
  }

  /** Throws a host out of the fleet: `DELETE /api/v1/fleet/{host}`. */
  removeHost(host: string, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/fleet/${encodeURIComponent(host)}`, answer: "none", options, keyed: true });
  }

  /** Cordons or drains a host, or lets it work again: `PUT /api/v1/fleet/{host}/state`. */
  orderHost(host: string, body: HostOrder, options: CallOptions = {}): Promise<FleetHost> {
    return this.send<FleetHost>({ method: "PUT", path: `/api/v1/fleet/${encodeURIComponent(host)}/state`, answer: "json", options, body, media: "application/json" });
  }

  /** Shows the last log lines of a host: `GET /api/v1/fleet/{host}/logs`. */
  showHostLogs(host: string, query: { plugin?: string; limit?: number; level?: "trace" | "debug" | "info" | "warn" | "error" } = {}, options: CallOptions = {}): Promise<HostLines> {
    return this.send<HostLines>({ method: "GET", path: `/api/v1/fleet/${encodeURIComponent(host)}/logs`, answer: "json", options, query });
  }

  /** Tells who is logged in: `GET /api/v1/session`. */
  showSession(options: CallOptions = {}): Promise<Session> {
    return this.send<Session>({ method: "GET", path: "/api/v1/session", answer: "json", options });
  }

  /** Logs in by name and password: `POST /api/v1/session`. */
  logIn(body: Credentials, options: CallOptions = {}): Promise<Session> {
    return this.send<Session>({ method: "POST", path: "/api/v1/session", answer: "json", options, body, media: "application/json" });
  }

  /** Ends the session: `DELETE /api/v1/session`. */
  logOut(options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: "/api/v1/session", answer: "none", options });
  }

  /** Sets one's own password: `PUT /api/v1/session/password`. */
  changePassword(body: PasswordChange, options: CallOptions = {}): Promise<Session> {
    return this.send<Session>({ method: "PUT", path: "/api/v1/session/password", answer: "json", options, body, media: "application/json" });
  }

  /** Makes the first user: `POST /api/v1/setup`. */
  setUp(body: SetupOrder, options: CallOptions = {}): Promise<Session> {
    return this.send<Session>({ method: "POST", path: "/api/v1/setup", answer: "json", options, body, media: "application/json" });
  }

  /** Lists one's own sessions, to admins all: `GET /api/v1/sessions`. */
  listSessions(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<Sessions> {
    return this.send<Sessions>({ method: "GET", path: "/api/v1/sessions", answer: "json", options, query });
  }

  /** All pages of `listSessions`, each asked for when it is reached. */
  allSessions(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<LoggedIn, void, undefined> {
    return pages((cursor) => this.listSessions({ ...query, cursor }, options), query.cursor);
  }

  /** Ends a session: `DELETE /api/v1/sessions/{session}`. */
  endSession(session: string, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/sessions/${encodeURIComponent(session)}`, answer: "none", options });
  }

  /** Lists users by name: `GET /api/v1/users`. */
  listUsers(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<Users> {
    return this.send<Users>({ method: "GET", path: "/api/v1/users", answer: "json", options, query });
  }

  /** All pages of `listUsers`, each asked for when it is reached. */
  allUsers(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<User, void, undefined> {
    return pages((cursor) => this.listUsers({ ...query, cursor }, options), query.cursor);
  }

  /** Makes a user: `POST /api/v1/users`. */
  addUser(body: UserOrder, options: CallOptions = {}): Promise<User> {
    return this.send<User>({ method: "POST", path: "/api/v1/users", answer: "json", options, body, media: "application/json" });
  }

  /** Shows a user: `GET /api/v1/users/{user}`. */
  showUser(user: string, options: CallOptions = {}): Promise<User> {
    return this.send<User>({ method: "GET", path: `/api/v1/users/${encodeURIComponent(user)}`, answer: "json", options });
  }

  /** Changes a user, whose sessions end: `PUT /api/v1/users/{user}`. */
  changeUser(user: string, body: UserChange, options: CallOptions = {}): Promise<User> {
    return this.send<User>({ method: "PUT", path: `/api/v1/users/${encodeURIComponent(user)}`, answer: "json", options, body, media: "application/json" });
  }

  /** Removes a user with sessions and tokens: `DELETE /api/v1/users/{user}`. */
  removeUser(user: string, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/users/${encodeURIComponent(user)}`, answer: "none", options });
  }

  /** Unlocks a name after failed logins: `POST /api/v1/users/{user}/unlock`. */
  unlockUser(user: string, options: CallOptions = {}): Promise<User> {
    return this.send<User>({ method: "POST", path: `/api/v1/users/${encodeURIComponent(user)}/unlock`, answer: "json", options });
  }

  /** Lists one's own API tokens, to admins all: `GET /api/v1/tokens`. */
  listTokens(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): Promise<Tokens> {
    return this.send<Tokens>({ method: "GET", path: "/api/v1/tokens", answer: "json", options, query });
  }

  /** All pages of `listTokens`, each asked for when it is reached. */
  allTokens(query: { limit?: number; cursor?: string } = {}, options: CallOptions = {}): AsyncGenerator<Token, void, undefined> {
    return pages((cursor) => this.listTokens({ ...query, cursor }, options), query.cursor);
  }

  /** Makes an API token: `POST /api/v1/tokens`. */
  addToken(body: TokenOrder, options: CallOptions = {}): Promise<NewToken> {
    return this.send<NewToken>({ method: "POST", path: "/api/v1/tokens", answer: "json", options, body, media: "application/json" });
  }

  /** Revokes an API token: `DELETE /api/v1/tokens/{token}`. */
  removeToken(token: string, options: CallOptions = {}): Promise<void> {
    return this.send<void>({ method: "DELETE", path: `/api/v1/tokens/${encodeURIComponent(token)}`, answer: "none", options });
  }
}
