// Code generated from specs/openapi.json. DO NOT EDIT.
// Made from specs/openapi.json by `python -m sdk.generate`; change the host's operations, not this file.

package omnicore

// MadeFrom is the version of the host whose document this client was made from.
const MadeFrom = "0.1.0"

// Advisory is a JSON object.
type Advisory struct {
	ID string `json:"id"`

	// As it was published. One of low, medium, high, critical, unknown.
	Severity string `json:"severity"`

	Summary string `json:"summary"`

	// Ranges of versions, such as `>=37.0.0 <37.0.3`.
	Affected string `json:"affected"`
}

// Alarm is a JSON object.
type Alarm struct {
	// Calls of functions, ended runs of a workflow, or tasks that wait in a queue. One of function, workflow,
	// queue.
	Kind string `json:"kind"`

	// `plugin.function`, `plugin` or `*`; a workflow; a queue.
	Target string `json:"target"`

	// Counts and rates (0 to 1) within the window; `length` is that of a queue now. One of calls, failures,
	// error_rate, p95_ms, length.
	Figure string `json:"figure"`

	// The alarm fires beyond it.
	Threshold float64 `json:"threshold"`

	// The side of the threshold that is wrong. One of above, below.
	Side string `json:"side"`

	// It ends when the figure is back on the other side of this; null: of the threshold.
	Clear *float64 `json:"clear"`

	// The time that figures are about.
	WindowS float64 `json:"window_s"`

	// Rates and p95 of fewer calls or runs say nothing.
	LeastCalls int64 `json:"least_calls"`

	// `connector.action` that is done when it fires and when it ends.
	Connector *string `json:"connector"`

	// A workflow that is run when it fires and when it ends.
	Workflow *string `json:"workflow"`

	Enabled bool `json:"enabled"`

	Name string `json:"name"`

	Input any `json:"input"`

	// Who stored it last.
	ChangedBy string `json:"changed_by"`

	// Seconds since the Unix epoch.
	ChangedAt float64 `json:"changed_at"`

	// One of quiet, firing.
	State string `json:"state"`

	// When it came into this state.
	Since float64 `json:"since"`

	// The figure as it was last; null where it says nothing.
	Value *float64 `json:"value"`

	// When that was.
	CheckedAt *float64 `json:"checked_at"`

	// The state that the connector or workflow was told last. One of quiet, firing.
	Told string `json:"told"`

	// Why it could not be told; empty where it was.
	Trouble string `json:"trouble"`
}

// AlarmOrder is a JSON object.
type AlarmOrder struct {
	// Calls of functions, ended runs of a workflow, or tasks that wait in a queue. One of function, workflow,
	// queue.
	Kind string `json:"kind"`

	// `plugin.function`, `plugin` or `*`; a workflow; a queue.
	Target string `json:"target"`

	// Counts and rates (0 to 1) within the window; `length` is that of a queue now. One of calls, failures,
	// error_rate, p95_ms, length.
	Figure string `json:"figure"`

	// The alarm fires beyond it.
	Threshold float64 `json:"threshold"`

	// The side of the threshold that is wrong. One of above, below.
	Side *string `json:"side,omitempty"`

	// It ends when the figure is back on the other side of this; null: of the threshold.
	Clear *float64 `json:"clear,omitempty"`

	// The time that figures are about.
	WindowS *float64 `json:"window_s,omitempty"`

	// Rates and p95 of fewer calls or runs say nothing.
	LeastCalls *int64 `json:"least_calls,omitempty"`

	// `connector.action` that is done when it fires and when it ends.
	Connector *string `json:"connector,omitempty"`

	// A workflow that is run when it fires and when it ends.
	Workflow *string `json:"workflow,omitempty"`

	Enabled *bool `json:"enabled,omitempty"`

	// For the connector or workflow; null: what the event says.
	Input any `json:"input,omitempty"`
}

// Alarms is a JSON object.
type Alarms struct {
	Items []Alarm `json:"items"`
}

// Approval is a JSON object.
type Approval struct {
	Run string `json:"run"`

	// One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`.
	Place string `json:"place"`

	Workflow string `json:"workflow"`

	Title string `json:"title"`

	Text string `json:"text"`

	// JSON Schema of what is filled in; empty for nothing.
	Form map[string]any `json:"form"`

	// The role that may decide.
	Role string `json:"role"`

	// Seconds since the Unix epoch.
	DeadlineAt *float64 `json:"deadline_at"`

	// Seconds since the Unix epoch.
	AskedAt float64 `json:"asked_at"`
}

// Approvals is a JSON object.
type Approvals struct {
	Items []Approval `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// Ask is a JSON object.
type Ask struct {
	Name string `json:"name"`

	Scope map[string]any `json:"scope"`

	Reason string `json:"reason"`

	// What a reviewer should look at twice.
	Warnings []string `json:"warnings"`
}

// AuditCheck is a JSON object.
type AuditCheck struct {
	// Begin after this row, where an earlier check ended.
	After *int64 `json:"after,omitempty"`

	// A row that was noted elsewhere and must be there.
	Noted *AuditCheckNoted `json:"noted,omitempty"`
}

// AuditCheckNoted is a JSON object. A row that was noted elsewhere and must be there.
type AuditCheckNoted struct {
	Seq int64 `json:"seq"`

	// SHA-256, in hexadecimal digits.
	Hash string `json:"hash"`
}

// AuditRow is a JSON object.
type AuditRow struct {
	// Seconds since the Unix epoch.
	At float64 `json:"at"`

	// Who: a user or token, `cli` users, `folder`, or `host`.
	Actor string `json:"actor"`

	// session, token, setting, local, cli, folder, host or anonymous.
	Via string `json:"via"`

	// Name of the operation or the command.
	Action string `json:"action"`

	// What it was about, such as plugin:text.
	Target string `json:"target"`

	// A JSON value without secrets, null where there is none; what is long by its digest.
	Before any `json:"before"`

	// A JSON value without secrets, null where there is none; what is long by its digest.
	After any `json:"after"`

	// `unknown`: the process ended before the change did. One of done, refused, failed, unknown.
	Outcome string `json:"outcome"`

	// The address, or for commands the machine.
	From string `json:"from"`

	// Counts the rows, without a gap.
	Seq int64 `json:"seq"`

	// SHA-256, in hexadecimal digits.
	Hash string `json:"hash"`
}

// AuditRows is a JSON object.
type AuditRows struct {
	Items []AuditRow `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// AuditVerdict is a JSON object.
type AuditVerdict struct {
	Ok bool `json:"ok"`

	// Whether it came to the end in the time of a request.
	Complete bool `json:"complete"`

	// Rows that were read.
	Rows int64 `json:"rows"`

	// The last row that was read; note it elsewhere, or go on after it.
	Last AuditVerdictLast `json:"last"`

	// The first row that is wrong or missing.
	BrokenAt *int64 `json:"broken_at"`

	Reason string `json:"reason"`
}

// AuditVerdictLast is a JSON object. The last row that was read; note it elsewhere, or go on after it.
type AuditVerdictLast struct {
	Seq int64 `json:"seq"`

	// SHA-256, in hexadecimal digits.
	Hash string `json:"hash"`
}

// Backup is a JSON object.
type Backup struct {
	Name string `json:"name"`

	SizeBytes int64 `json:"size_bytes"`

	// Seconds since the Unix epoch.
	MadeAt float64 `json:"made_at"`

	// Only a ready one can be restored. One of ready, making.
	State string `json:"state"`
}

// Backups is a JSON object.
type Backups struct {
	Items []Backup `json:"items"`

	// How many are kept at most.
	Most int64 `json:"most"`

	Staged *StagedRestore `json:"staged"`

	Restored *RestoreOutcome `json:"restored"`

	// Why the last backup was not made; empty when it was.
	Failed string `json:"failed"`
}

// Breaker is a JSON object.
type Breaker struct {
	// One of closed, open, half-open.
	State string `json:"state"`

	// In a row, whoever called.
	Failures int64 `json:"failures"`

	// How many of several callers open it, or of one have that one refused.
	Threshold int64 `json:"threshold"`

	// Callers whose calls are refused for failures of theirs alone.
	Refused int64 `json:"refused"`

	// Seconds since the Unix epoch; null while calls pass.
	OpenUntil *float64 `json:"open_until"`
}

// Budget is a JSON object.
type Budget struct {
	Calls *int64 `json:"calls,omitempty"`

	Seconds *float64 `json:"seconds,omitempty"`

	// Wasm instructions, of plugins whose limits count them.
	Fuel *int64 `json:"fuel,omitempty"`

	// Seconds.
	PeriodS *float64 `json:"period_s,omitempty"`
}

// CallCost is a JSON object.
type CallCost struct {
	TimeMs float64 `json:"time_ms"`

	// Instructions; null where the plugin has no limit of fuel.
	Fuel *int64 `json:"fuel"`

	// Of the sandbox after the call; null where it is not known.
	MemoryBytes *int64 `json:"memory_bytes"`

	// By verb, such as kv.get.
	HostCalls map[string]int64 `json:"host_calls"`
}

// CallLimitOrder is a JSON object.
type CallLimitOrder struct {
	// Calls that may run at once on all hosts.
	Concurrent *int64 `json:"concurrent,omitempty"`

	// Calls that may begin in a second on all hosts.
	PerSecond *float64 `json:"per_second,omitempty"`
}

// CallLimitView is a JSON object.
type CallLimitView struct {
	// Calls that may run at once; null for any number.
	Concurrent *int64 `json:"concurrent"`

	// Calls that may begin in a second; null for any number.
	PerSecond *float64 `json:"per_second"`

	// Places that hosts hold now, for calls that run or may begin.
	Held int64 `json:"held"`

	// Who set them; null where nothing is limited.
	Who *string `json:"who"`

	// When; seconds since the Unix epoch.
	At *float64 `json:"at"`
}

// Change is a JSON object.
type Change struct {
	Capability string `json:"capability"`

	// One of new, wider, narrower, dropped.
	Change string `json:"change"`

	// What the newest version asks for; empty for what it dropped.
	Asked map[string]any `json:"asked"`

	// What it has; of a narrower or dropped one what was asked before.
	Granted map[string]any `json:"granted"`

	Reason string `json:"reason"`

	// The command that grants it; empty where nothing is to be granted.
	Command string `json:"command"`

	// What a reviewer should look at twice.
	Warnings []string `json:"warnings"`
}

// Changes is a JSON object.
type Changes struct {
	Items []Change `json:"items"`
}

// CloudEvent is a JSON object. CloudEvents 1.0, with extension attributes of 1 to 40 of a-z 0-9.
type CloudEvent struct {
	// One of 1.0.
	Specversion string `json:"specversion"`

	// With `source`: a second one of the same has no effect.
	ID string `json:"id"`

	// A URI reference; not one of this host's, `omnicore:...`.
	Source string `json:"source"`

	Type string `json:"type"`

	Subject *string `json:"subject,omitempty"`

	Time *string `json:"time,omitempty"`

	Datacontenttype *string `json:"datacontenttype,omitempty"`

	Dataschema *string `json:"dataschema,omitempty"`

	Data any `json:"data,omitempty"`

	DataBase64 *string `json:"data_base64,omitempty"`
}

// CodeChange is a JSON object.
type CodeChange struct {
	Exports NameChanges `json:"exports"`

	Imports NameChanges `json:"imports"`
}

// Collection is a JSON object.
type Collection struct {
	// A plugin, or `@host`.
	Owner string `json:"owner"`

	Name string `json:"name"`

	Dimensions int64 `json:"dimensions"`

	// One of cosine, l2, dot.
	Metric string `json:"metric"`

	Count int64 `json:"count"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`
}

// CollectionIndex is a JSON object.
type CollectionIndex struct {
	// A plugin, or `@host`.
	Owner string `json:"owner"`

	Name string `json:"name"`

	Dimensions int64 `json:"dimensions"`

	// One of cosine, l2, dot.
	Metric string `json:"metric"`

	Count int64 `json:"count"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`

	// True while the collection is held in memory.
	InMemory bool `json:"in_memory"`

	// Vectors in the index; 0 where searches compare all.
	Indexed int64 `json:"indexed"`

	// The reason why there is no index; else empty.
	Reason string `json:"reason"`

	// Rows and bytes of the copy on disk, or its error.
	Copy map[string]any `json:"copy"`
}

// CollectionOrder is a JSON object.
type CollectionOrder struct {
	Name string `json:"name"`

	// The setting vectors.dimensions when left out.
	Dimensions *int64 `json:"dimensions,omitempty"`

	// cosine when left out. One of cosine, l2, dot.
	Metric *string `json:"metric,omitempty"`
}

// Collections is a JSON object.
type Collections struct {
	Items []Collection `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// Connector is a JSON object.
type Connector struct {
	Name string `json:"name"`

	Kind string `json:"kind"`

	Config map[string]any `json:"config"`

	// Where each is: `vault:`, `env:` or `file:` and a name. Never a value.
	Credentials map[string]string `json:"credentials"`

	Limits ConnectorLimits `json:"limits"`

	Version int64 `json:"version"`

	// Seconds since the Unix epoch.
	AddedAt float64 `json:"added_at"`

	// Seconds since the Unix epoch.
	ChangedAt float64 `json:"changed_at"`

	// Breaker and figures since the host began; null: not used.
	State map[string]any `json:"state"`
}

// ConnectorAction is a JSON object.
type ConnectorAction struct {
	Name string `json:"name"`

	Description string `json:"description"`

	// JSON Schema of the input.
	Input map[string]any `json:"input"`

	// JSON Schema of the output.
	Output map[string]any `json:"output"`

	// Whether it may be sent again after a failure. One of never, always, keyed.
	Repeat string `json:"repeat"`
}

// ConnectorActions is a JSON object.
type ConnectorActions struct {
	Items []ConnectorAction `json:"items"`
}

// ConnectorCall is a JSON object.
type ConnectorCall struct {
	Input any `json:"input,omitempty"`

	TimeoutS *float64 `json:"timeout_s,omitempty"`
}

// ConnectorChange is a JSON object.
type ConnectorChange struct {
	Config map[string]any `json:"config,omitempty"`

	// Values, or references to them. They cannot be read back.
	Secrets map[string]string `json:"secrets,omitempty"`

	Limits *ConnectorChangeLimits `json:"limits,omitempty"`
}

// ConnectorChangeLimits is a JSON object.
type ConnectorChangeLimits struct {
	TimeoutS *float64 `json:"timeout_s,omitempty"`

	Retries *float64 `json:"retries,omitempty"`

	Concurrency *float64 `json:"concurrency,omitempty"`

	Waiting *float64 `json:"waiting,omitempty"`

	Rate *float64 `json:"rate,omitempty"`

	PluginRate *float64 `json:"plugin_rate,omitempty"`

	OutputBytes *float64 `json:"output_bytes,omitempty"`

	BreakerFailures *float64 `json:"breaker_failures,omitempty"`

	BreakerResetS *float64 `json:"breaker_reset_s,omitempty"`
}

// ConnectorKind is a JSON object.
type ConnectorKind struct {
	Name string `json:"name"`

	// The service's own name.
	Title string `json:"title"`

	Description string `json:"description"`

	// Where the service documents its interface, where it is known.
	Docs string `json:"docs"`

	// JSON Schema of the settings.
	Config map[string]any `json:"config"`

	// What each credential is.
	Secrets map[string]string `json:"secrets"`

	RequiredSecrets []string `json:"required_secrets"`

	// Limits of its connectors that set none.
	Limits map[string]any `json:"limits"`

	// The rule that proves its deliveries. One of github, gitlab, telegram, discord, standard, stripe, slack,
	// shopify, linear, pagerduty, jira, hmac, token.
	Webhook string `json:"webhook"`

	Actions []ConnectorAction `json:"actions"`

	// Why this host cannot use the kind.
	Problem *string `json:"problem,omitempty"`
}

// ConnectorKindOrder is a JSON object.
type ConnectorKindOrder struct {
	// The service as data, as `specs/connector.md` has it.
	Description map[string]any `json:"description"`

	// Whether it takes the place of a kind of its name.
	Replace *bool `json:"replace,omitempty"`
}

// ConnectorKinds is a JSON object.
type ConnectorKinds struct {
	Items []ConnectorKind `json:"items"`
}

// ConnectorLimits is a JSON object.
type ConnectorLimits struct {
	TimeoutS *float64 `json:"timeout_s,omitempty"`

	Retries *float64 `json:"retries,omitempty"`

	Concurrency *float64 `json:"concurrency,omitempty"`

	Waiting *float64 `json:"waiting,omitempty"`

	Rate *float64 `json:"rate,omitempty"`

	PluginRate *float64 `json:"plugin_rate,omitempty"`

	OutputBytes *float64 `json:"output_bytes,omitempty"`

	BreakerFailures *float64 `json:"breaker_failures,omitempty"`

	BreakerResetS *float64 `json:"breaker_reset_s,omitempty"`
}

// ConnectorOrder is a JSON object.
type ConnectorOrder struct {
	Config map[string]any `json:"config,omitempty"`

	// Values, or references to them. They cannot be read back.
	Secrets map[string]string `json:"secrets,omitempty"`

	Limits *ConnectorOrderLimits `json:"limits,omitempty"`

	Name string `json:"name"`

	Kind string `json:"kind"`
}

// ConnectorOrderLimits is a JSON object.
type ConnectorOrderLimits struct {
	TimeoutS *float64 `json:"timeout_s,omitempty"`

	Retries *float64 `json:"retries,omitempty"`

	Concurrency *float64 `json:"concurrency,omitempty"`

	Waiting *float64 `json:"waiting,omitempty"`

	Rate *float64 `json:"rate,omitempty"`

	PluginRate *float64 `json:"plugin_rate,omitempty"`

	OutputBytes *float64 `json:"output_bytes,omitempty"`

	BreakerFailures *float64 `json:"breaker_failures,omitempty"`

	BreakerResetS *float64 `json:"breaker_reset_s,omitempty"`
}

// ConnectorOutput is a JSON object.
type ConnectorOutput struct {
	// A JSON value.
	Output any `json:"output"`
}

// ConnectorTest is a JSON object.
type ConnectorTest struct {
	Ok bool `json:"ok"`

	// Seconds.
	TookS *float64 `json:"took_s"`

	Error map[string]any `json:"error"`
}

// ConnectorUse is a JSON object.
type ConnectorUse struct {
	ID string `json:"id"`

	Connector string `json:"connector"`

	Action string `json:"action"`

	// `plugin:NAME`, `rest`, `alerts` or `cli:NAME`.
	Who string `json:"who"`

	// Seconds since the Unix epoch.
	At float64 `json:"at"`

	// Seconds.
	TookS *float64 `json:"took_s"`

	Attempts int64 `json:"attempts"`

	// begun, ok, cancelled or the code of an error.
	Outcome string `json:"outcome"`
}

// ConnectorUses is a JSON object.
type ConnectorUses struct {
	Items []ConnectorUse `json:"items"`

	Next *string `json:"next"`
}

// Connectors is a JSON object.
type Connectors struct {
	Items []Connector `json:"items"`
}

// Consolidated is a JSON object.
type Consolidated struct {
	Moved []ConsolidatedMovedItem `json:"moved"`

	Linked int64 `json:"linked"`

	Expired int64 `json:"expired"`

	Evicted int64 `json:"evicted"`

	Purged int64 `json:"purged"`

	Embedded int64 `json:"embedded"`

	Facts int64 `json:"facts"`
}

// ConsolidatedMovedItem is a JSON object.
type ConsolidatedMovedItem struct {
	// One of immediate, short_term, session, episodic, semantic, procedural, strategic, civilizational,
	// evolutionary, planetary, galactic, cosmic.
	FromTier string `json:"from_tier"`

	// One of immediate, short_term, session, episodic, semantic, procedural, strategic, civilizational,
	// evolutionary, planetary, galactic, cosmic.
	ToTier string `json:"to_tier"`

	Count int64 `json:"count"`
}

// Credentials is a JSON object.
type Credentials struct {
	Name string `json:"name"`

	Password string `json:"password"`
}

// Cycle is a JSON object.
type Cycle struct {
	CycleID string `json:"cycle_id"`

	// One of reflexive, reactive, adaptive, deliberative, evolutionary, transformative, transcendent.
	LoopType string `json:"loop_type"`

	Success bool `json:"success"`

	Results map[string]any `json:"results"`

	Insights []map[string]any `json:"insights"`

	Actions []CycleAction `json:"actions"`

	NextObjectives []string `json:"next_objectives"`

	// Seconds.
	DurationS float64 `json:"duration_s"`
}

// CycleAction is a JSON object.
type CycleAction struct {
	By string `json:"by"`

	Verb string `json:"verb"`

	Input map[string]any `json:"input"`

	// done, refused or failed.
	Status string `json:"status"`

	Result any `json:"result"`
}

// CycleOrder is a JSON object.
type CycleOrder struct {
	// What the cycle works on.
	Data map[string]any `json:"data,omitempty"`

	Context *string `json:"context,omitempty"`

	// Texts for handlers.
	Objectives []string `json:"objectives,omitempty"`
}

// Decision is a JSON object.
type Decision struct {
	// One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`.
	Place string `json:"place"`

	Approve bool `json:"approve"`

	// What the form asks for.
	Form any `json:"form,omitempty"`
}

// Draft is a JSON object.
type Draft struct {
	// Name of the workflow; `~` and a name of its own for a new one.
	Draft string `json:"draft"`

	// Another one after each change; the next change names it.
	Revision string `json:"revision"`

	// As it was typed, valid or not. Left out of lists.
	Text string `json:"text"`

	// The version that was edited; 0 for a new workflow.
	Number int64 `json:"number"`

	// Of that version.
	Digest string `json:"digest"`

	// Seconds since the Unix epoch.
	ChangedAt float64 `json:"changed_at"`
}

// DraftChange is a JSON object.
type DraftChange struct {
	// YAML or JSON, valid or not.
	Text string `json:"text"`

	// Of the draft that this one follows; empty for the first.
	Revision *string `json:"revision,omitempty"`

	// The edited version; 0 for a new workflow.
	Number *int64 `json:"number,omitempty"`

	// Of that version.
	Digest *string `json:"digest,omitempty"`
}

// DraftLine is a JSON object.
type DraftLine struct {
	// Name of the workflow; `~` and a name of its own for a new one.
	Draft string `json:"draft"`

	// Another one after each change; the next change names it.
	Revision string `json:"revision"`

	// The version that was edited; 0 for a new workflow.
	Number int64 `json:"number"`

	// Of that version.
	Digest string `json:"digest"`

	// Seconds since the Unix epoch.
	ChangedAt float64 `json:"changed_at"`
}

// DraftShown is a JSON object.
type DraftShown struct {
	Draft *Draft `json:"draft"`

	Others []DraftShownOthersItem `json:"others"`
}

// DraftShownOthersItem is a JSON object.
type DraftShownOthersItem struct {
	Who string `json:"who"`

	// Seconds since the Unix epoch.
	ChangedAt float64 `json:"changed_at"`
}

// Drafts is a JSON object.
type Drafts struct {
	Items []DraftLine `json:"items"`
}

// Edit is a JSON object.
type Edit struct {
	// One of retry, catch, skip, swap, drop, merge, cache.
	Kind string `json:"kind"`

	At string `json:"at"`
}

// Engine is a JSON object.
type Engine struct {
	Name string `json:"name"`

	Version string `json:"version"`

	Advisories []Advisory `json:"advisories"`
}

// Event is a JSON object.
type Event struct {
	ID string `json:"id"`

	Topic string `json:"topic"`

	// A part of the host, or the plugin that published it.
	Source string `json:"source"`

	// Seconds since the Unix epoch.
	At float64 `json:"at"`

	// 0 for an event of the host itself.
	Hops int64 `json:"hops"`

	Data any `json:"data"`
}

// Events is a JSON object.
type Events struct {
	Items []Event `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// Evolution is a JSON object.
type Evolution struct {
	ID string `json:"id"`

	Workflow string `json:"workflow"`

	// One of running, done, stopped.
	State string `json:"state"`

	// Why it ended, or what its result lacks.
	Reason string `json:"reason"`

	Who string `json:"who"`

	// How many candidates the search makes at most.
	Wanted int64 `json:"wanted"`

	// Candidates so far.
	Count int64 `json:"count"`

	// The candidate that may be promoted.
	Best *int64 `json:"best"`

	// Of the best over the seed, on the cases held out.
	Gain *float64 `json:"gain"`

	// The gain is above this with 97.5 % confidence.
	LeastGain *float64 `json:"least_gain"`

	// The candidate that became a version of the workflow.
	Promoted *int64 `json:"promoted"`

	// The version of the workflow before that.
	Before *int64 `json:"before"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`

	// Seconds since the Unix epoch.
	EndedAt *float64 `json:"ended_at"`

	// The version that the promoted candidate is.
	Version *int64 `json:"version"`

	// Per cent of the runs that it gets while it is tried; null: it is not tried.
	Share *int64 `json:"share"`

	// Of its runs that must have ended before it serves all.
	Runs *int64 `json:"runs"`

	// Seconds since the Unix epoch.
	PromotedAt *float64 `json:"promoted_at"`
}

// EvolutionCanary is a JSON object.
type EvolutionCanary struct {
	// Per cent of the runs.
	Share *int64 `json:"share,omitempty"`

	// Of its runs that end before it may serve all.
	Runs *int64 `json:"runs,omitempty"`
}

// EvolutionCandidate is a JSON object.
type EvolutionCandidate struct {
	Evolution string `json:"evolution"`

	Number int64 `json:"number"`

	// -1 for the first.
	Parent int64 `json:"parent"`

	Proposer string `json:"proposer"`

	Genes Genes `json:"genes"`

	// dropped: after a part of the cases; dead: before any, it was refused or does not compile. One of judged,
	// dropped, dead.
	State string `json:"state"`

	Reason string `json:"reason"`

	// The part of the cases for training that it gets right.
	Quality float64 `json:"quality"`

	// The mean score of these, with what is nearly right.
	Fitness float64 `json:"fitness"`

	Cost float64 `json:"cost"`

	Seconds float64 `json:"seconds"`

	// Of the cases for training, in their order.
	Scores []float64 `json:"scores"`

	// Of the cases held out, for those that came so far.
	Held []float64 `json:"held"`

	// Of the model that proposed it; 0: none did.
	Tokens int64 `json:"tokens"`
}

// EvolutionCandidates is a JSON object.
type EvolutionCandidates struct {
	Items []EvolutionCandidate `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// EvolutionCase is a JSON object.
type EvolutionCase struct {
	Input any `json:"input,omitempty"`

	Expect any `json:"expect,omitempty"`
}

// EvolutionDocument is a JSON object.
type EvolutionDocument struct {
	Document map[string]any `json:"document"`
}

// EvolutionJudge is a JSON object.
type EvolutionJudge struct {
	// One of exact, number, function.
	Kind *string `json:"kind,omitempty"`

	Tolerance *float64 `json:"tolerance,omitempty"`

	Function *string `json:"function,omitempty"`
}

// EvolutionModel is a JSON object.
type EvolutionModel struct {
	// A connector with the action `chat`.
	Connector string `json:"connector"`

	// Instead of the connector's own.
	Model *string `json:"model,omitempty"`

	// How often it is asked at most.
	Calls *int64 `json:"calls,omitempty"`

	// Of all questions and answers. It is not asked when they may run out.
	Tokens *int64 `json:"tokens,omitempty"`

	// Of one answer, at most.
	AnswerTokens *int64 `json:"answer_tokens,omitempty"`

	// Seconds that an answer may take.
	AnswerS *float64 `json:"answer_s,omitempty"`
}

// EvolutionOrder is a JSON object.
type EvolutionOrder struct {
	// The definition to begin with: a document, or its YAML text.
	Workflow any `json:"workflow"`

	// The task set.
	Cases []EvolutionCase `json:"cases"`

	Knobs []Knob `json:"knobs,omitempty"`

	// Changes of the graph that the search may make.
	Edits []string `json:"edits,omitempty"`

	Judge *EvolutionJudge `json:"judge,omitempty"`

	// Proposes candidates as well; null: none is asked.
	Model *EvolutionModel `json:"model,omitempty"`

	// With `cost`, what is as good and does less is proposed as well.
	Objectives []string `json:"objectives,omitempty"`

	// Optuna's, which draws numbers and choices. One of tpe, nsga2.
	Sampler *string `json:"sampler,omitempty"`

	// Of PPO after eight candidates, to learn who proposes; 0: wins are counted.
	PolicySteps *int64 `json:"policy_steps,omitempty"`

	// Promotes what is proposed by itself, with a trial; null: a person does.
	Promotion *EvolutionCanary `json:"promotion,omitempty"`

	// How many the search makes at most.
	Candidates *int64 `json:"candidates,omitempty"`

	// Seconds that a case may take.
	CaseS *float64 `json:"case_s,omitempty"`

	// The gain that must be exceeded.
	Margin *float64 `json:"margin,omitempty"`

	Seed *int64 `json:"seed,omitempty"`
}

// Evolutions is a JSON object.
type Evolutions struct {
	Items []Evolution `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// Executed is a JSON object.
type Executed struct {
	// A JSON value, text, or {"base64": ...} for bytes.
	Output any `json:"output"`
}

// Execution is a JSON object.
type Execution struct {
	// A JSON value, or {"base64": ...} alone for bytes.
	Input any `json:"input,omitempty"`

	// Needed when the plugin has several.
	Function *string `json:"function,omitempty"`
}

// ExpressionOrder is a JSON object.
type ExpressionOrder struct {
	// jq, with or without `${ }`.
	Expression string `json:"expression"`

	// What `.` is.
	Data any `json:"data,omitempty"`

	// By their names, without `$`.
	Variables map[string]any `json:"variables,omitempty"`
}

// ExpressionValue is a JSON object.
type ExpressionValue struct {
	Value any `json:"value"`
}

// Fact is a JSON object.
type Fact struct {
	ID string `json:"id"`

	// In lower case; `@me` for whoever spoke where nobody was named.
	Subject string `json:"subject"`

	Attribute string `json:"attribute"`

	Value string `json:"value"`

	// From when on it holds, as far as anybody said.
	Since float64 `json:"since"`

	// When another value took its place, or somebody said it ended.
	Until *float64 `json:"until"`

	// Seconds since the Unix epoch.
	SaidAt float64 `json:"said_at"`

	Speaker *string `json:"speaker"`

	// The memory in which it was said.
	Memory *string `json:"memory"`

	// Another value was said of the same time.
	Disputed bool `json:"disputed"`

	// The user who said it; facts of two users never meet.
	User *string `json:"user"`

	Agent *string `json:"agent"`

	Session *string `json:"session"`

	App *string `json:"app"`
}

// Feature is a JSON object.
type Feature struct {
	Name string `json:"name"`

	Description string `json:"description"`

	Enabled bool `json:"enabled"`

	// Why it is off.
	Reason string `json:"reason"`

	Needs []string `json:"needs"`

	HasFallback bool `json:"has_fallback"`

	FallbacksUsed int64 `json:"fallbacks_used"`
}

// FleetHost is a JSON object.
type FleetHost struct {
	// Stands for its key pair; the same after a restart.
	ID string `json:"id"`

	Name string `json:"name"`

	Version string `json:"version"`

	// URL at which other hosts reach it.
	Address *string `json:"address,omitempty"`

	// Words by which plugins are placed.
	Labels map[string]string `json:"labels,omitempty"`

	// Seconds since the Unix epoch.
	StartedAt float64 `json:"started_at"`

	// Seconds since the Unix epoch.
	SeenAt float64 `json:"seen_at"`

	// `away`: it was not seen for 15 s. One of ready, cordoned, draining, drained, away.
	State *string `json:"state,omitempty"`

	// The state that it was told to take. One of ready, cordoned, drained.
	Wanted *string `json:"wanted,omitempty"`

	Load *HostLoad `json:"load,omitempty"`
}

// FleetHostView is a JSON object.
type FleetHostView struct {
	// Stands for its key pair; the same after a restart.
	ID string `json:"id"`

	Name string `json:"name"`

	Version string `json:"version"`

	// URL at which other hosts reach it.
	Address *string `json:"address,omitempty"`

	// Words by which plugins are placed.
	Labels map[string]string `json:"labels,omitempty"`

	// Seconds since the Unix epoch.
	StartedAt float64 `json:"started_at"`

	// Seconds since the Unix epoch.
	SeenAt float64 `json:"seen_at"`

	// `away`: it was not seen for 15 s. One of ready, cordoned, draining, drained, away.
	State *string `json:"state,omitempty"`

	// The state that it was told to take. One of ready, cordoned, drained.
	Wanted *string `json:"wanted,omitempty"`

	Load *HostLoad `json:"load,omitempty"`

	Plugins []HostPlugin `json:"plugins"`
}

// FleetHosts is a JSON object.
type FleetHosts struct {
	Items []FleetHost `json:"items"`
}

// FleetJoin is a JSON object.
type FleetJoin struct {
	// Id of the token, which itself is never sent.
	Token string `json:"token"`

	// The host's Ed25519 key.
	PublicKey string `json:"public_key"`

	// X25519 key for this one use.
	ExchangeKey string `json:"exchange_key"`

	// HMAC-SHA256 by the token's key.
	Proof string `json:"proof"`
}

// FleetJoined is a JSON object.
type FleetJoined struct {
	// X25519 key of the answering host.
	ExchangeKey string `json:"exchange_key"`

	// Nonce and AES-256-GCM text, in base64.
	Sealed string `json:"sealed"`
}

// Function is a JSON object.
type Function struct {
	Description string `json:"description"`

	// JSON Schema of the input; null for bytes.
	Input map[string]any `json:"input"`

	// JSON Schema of the output; null for bytes.
	Output map[string]any `json:"output"`

	InputMedia string `json:"input_media"`

	OutputMedia string `json:"output_media"`
}

// FunctionChange is a JSON object.
type FunctionChange struct {
	Name string `json:"name"`

	Before Function `json:"before"`

	After Function `json:"after"`
}

// FunctionChanges is a JSON object.
type FunctionChanges struct {
	Added []string `json:"added"`

	Removed []string `json:"removed"`

	Changed []FunctionChange `json:"changed"`
}

// FunctionFigures is a JSON object.
type FunctionFigures struct {
	Plugin string `json:"plugin"`

	// Called by others, or asked of the host. One of function, host.
	Kind string `json:"kind"`

	// A function, or a verb of a capability such as kv.get.
	Name string `json:"name"`

	Calls int64 `json:"calls"`

	// Calls that did not end well, whoever is to blame.
	Errors int64 `json:"errors"`

	P50Ms *float64 `json:"p50_ms"`

	// No call in 20 took longer.
	P95Ms *float64 `json:"p95_ms"`

	P99Ms *float64 `json:"p99_ms"`

	// Seconds of all calls together.
	TotalS float64 `json:"total_s"`
}

// FunctionFiguresList is a JSON object.
type FunctionFiguresList struct {
	Items []FunctionFigures `json:"items"`
}

// GalleryCapability is a JSON object.
type GalleryCapability struct {
	Name string `json:"name"`

	Scope map[string]any `json:"scope"`

	Reason string `json:"reason"`
}

// GalleryEntry is a JSON object.
type GalleryEntry struct {
	Name string `json:"name"`

	Index string `json:"index"`

	Description string `json:"description"`

	Author string `json:"author"`

	// There is one, at `/api/v1/gallery/{package}/icon`.
	Icon bool `json:"icon"`

	Newest GalleryVersion `json:"newest"`

	// The version that is here; null if none is.
	Installed *string `json:"installed"`

	// The newest version is higher than the one that is here.
	Newer bool `json:"newer"`
}

// GalleryIndex is a JSON object.
type GalleryIndex struct {
	Name string `json:"name"`

	Plugins int64 `json:"plugins"`

	// Why it cannot be read, if so.
	Problem string `json:"problem"`
}

// GalleryPage is a JSON object.
type GalleryPage struct {
	Items []GalleryEntry `json:"items"`

	Next *string `json:"next"`

	Indexes []GalleryIndex `json:"indexes"`
}

// GalleryPlugin is a JSON object.
type GalleryPlugin struct {
	Entry GalleryEntry `json:"entry"`

	// The newest ones, the newest first.
	Versions []GalleryVersion `json:"versions"`

	// The beginning of README.md as it is written; nobody has checked it.
	Readme string `json:"readme"`
}

// GalleryVersion is a JSON object.
type GalleryVersion struct {
	Version string `json:"version"`

	// What is looked at and installed.
	Reference string `json:"reference"`

	SizeBytes int64 `json:"size_bytes"`

	AddedAt float64 `json:"added_at"`

	Capabilities []GalleryCapability `json:"capabilities"`

	Functions []string `json:"functions"`

	Languages []string `json:"languages"`

	Licence string `json:"licence"`

	// Who signed it, by names that the owner gave, else the index.
	Publisher string `json:"publisher"`

	// The owner's policy accepts these publishers.
	Verified bool `json:"verified"`

	// Why, or why not. The package itself is checked when it is looked at.
	Trust string `json:"trust"`

	Revoked bool `json:"revoked"`

	Advisories []IndexAdvisory `json:"advisories"`
}

// Genes is a JSON object.
type Genes struct {
	Values map[string]any `json:"values"`

	Edits []Edit `json:"edits,omitempty"`
}

// Grant is a JSON object.
type Grant struct {
	Capability string `json:"capability"`

	Scope map[string]any `json:"scope"`

	GrantedBy string `json:"granted_by"`

	GrantedAt float64 `json:"granted_at"`
}

// GrantOrder is a JSON object.
type GrantOrder struct {
	// What to grant; null or absent for all that is asked.
	Capability *string `json:"capability,omitempty"`

	// Of the version that was looked at: 409 when another one is the newest.
	Digest *string `json:"digest,omitempty"`
}

// Grants is a JSON object.
type Grants struct {
	// One of enabled, needs-grant, needs-review, disabled, quarantined, rejected.
	State string `json:"state"`

	Asked []Ask `json:"asked"`

	Granted []Grant `json:"granted"`
}

// GuardReading is a JSON object.
type GuardReading struct {
	// The guard, as it was given.
	Guard string `json:"guard"`

	// One of errors, p95.
	Figure string `json:"figure"`

	// waits: not enough calls in this step yet to judge. One of holds, waits, failed.
	State string `json:"state"`

	// Of the new version, in per cent or milliseconds.
	Measured *float64 `json:"measured"`

	// Of the version that served, for comparison.
	Before *float64 `json:"before"`

	// What the new version must stay below; null while it is unknown.
	Most *float64 `json:"most"`

	// Why it waits or failed.
	Says string `json:"says"`
}

// Health is a JSON object.
type Health struct {
	// That of the worst part; parts that are not critical count half. One of Healthy, Degraded, Unhealthy.
	Overall string `json:"overall"`

	// Seconds since the Unix epoch.
	At float64 `json:"at"`

	Subsystems map[string]Subsystem `json:"subsystems"`

	Features []Feature `json:"features"`
}

// Host is a JSON object.
type Host struct {
	Name string `json:"name"`

	Version string `json:"version"`

	// Seconds since the Unix epoch.
	StartedAt float64 `json:"started_at"`

	UptimeS float64 `json:"uptime_s"`

	Python string `json:"python"`

	Platform string `json:"platform"`

	// Where it runs: local, container, kubernetes or edge.
	Environment string `json:"environment"`

	// Its data folder.
	Data string `json:"data"`

	// The database, without its password.
	Storage string `json:"storage"`

	Engines []Engine `json:"engines"`

	// The day of the list of advisories that came with this version.
	AdvisoriesOf string `json:"advisories_of"`

	// Plugins by state.
	Counts map[string]int64 `json:"counts"`
}

// HostCallNote is a JSON object.
type HostCallNote struct {
	// Such as kv.get.
	Verb string `json:"verb"`

	// After the call began.
	BeginMs float64 `json:"begin_ms"`

	TimeMs float64 `json:"time_ms"`

	// `ok`, or the code of the refusal.
	Outcome string `json:"outcome"`
}

// HostLines is a JSON object.
type HostLines struct {
	Items []LogLine `json:"items"`
}

// HostLoad is a JSON object.
type HostLoad struct {
	// Plugin calls under way.
	Calls *int64 `json:"calls,omitempty"`

	// Tasks that run.
	Tasks *int64 `json:"tasks,omitempty"`

	// Runs of workflows in memory.
	Runs *int64 `json:"runs,omitempty"`

	// Processor cores in use since the last beat.
	CPU *float64 `json:"cpu,omitempty"`

	// Resident memory of the process.
	MemoryBytes *int64 `json:"memory_bytes,omitempty"`
}

// HostOrder is a JSON object.
type HostOrder struct {
	// `cordoned` takes no new tasks and runs, `drained` gives all back and refuses calls, `ready` works again.
	// One of ready, cordoned, drained.
	State string `json:"state"`
}

// HostPlugin is a JSON object.
type HostPlugin struct {
	Plugin string `json:"plugin"`

	// SHA-256 of the accepted version.
	Wanted string `json:"wanted"`

	// SHA-256 of the version in service there, if any.
	Loaded *string `json:"loaded"`

	// As that host has it; empty while nothing is loaded.
	State string `json:"state"`

	// Seconds since the Unix epoch.
	Since *float64 `json:"since"`

	// The reason why another version than the wanted one answers there, or none.
	Lags string `json:"lags"`

	// Labels that a host needs to serve it; null: every host serves it.
	Placement map[string]string `json:"placement,omitempty"`

	// This host has not all of these labels.
	Elsewhere *bool `json:"elsewhere,omitempty"`
}

// IndexAdvisory is a JSON object.
type IndexAdvisory struct {
	ID string `json:"id"`

	Plugin string `json:"plugin"`

	Affected []string `json:"affected"`

	Severity string `json:"severity"`

	Summary string `json:"summary"`

	Revoked bool `json:"revoked"`
}

// InstallOrder is a JSON object.
type InstallOrder struct {
	// `oci://HOST/NAME:VERSION`, `https://HOST/FILE#sha256=DIGEST`, or `NAME[@VERSION]` of an index.
	Reference string `json:"reference"`

	// Of the package that was looked at: 409 when it is another one by now.
	Digest string `json:"digest"`

	// The version that serves goes on until this one is approved.
	Hold *bool `json:"hold,omitempty"`

	// Install it although nobody whom the owner trusts signed it, where the policy asks.
	AcceptPublisher *bool `json:"accept_publisher,omitempty"`
}

// Intelligence is a JSON object.
type Intelligence struct {
	ID string `json:"id"`

	Name string `json:"name"`

	Version int64 `json:"version"`

	Spec IntelligenceSpec `json:"spec"`

	// One of Ready, Unverified, MissingCapabilities.
	Status string `json:"status"`

	// Each required word with the functions that provide it.
	Capabilities map[string][]string `json:"capabilities"`

	// Required words that nobody provides.
	Missing []string `json:"missing"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`

	// Seconds since the Unix epoch.
	RetiredAt *float64 `json:"retired_at"`

	// The result of its last evaluation.
	Score *float64 `json:"score"`
}

// IntelligenceAnswer is a JSON object.
type IntelligenceAnswer struct {
	// A JSON value, text, or {"base64": ...} for bytes.
	Output any `json:"output"`
}

// IntelligenceCall is a JSON object.
type IntelligenceCall struct {
	Capability string `json:"capability"`

	// A JSON value for the function.
	Input any `json:"input,omitempty"`
}

// IntelligenceSpec is a JSON object.
type IntelligenceSpec struct {
	Name string `json:"name"`

	// The score that an evaluation has to show.
	MinCapability *float64 `json:"min_capability,omitempty"`

	// Words that functions provide, or references like `text.summarise`.
	RequiredCapabilities []string `json:"required_capabilities,omitempty"`

	// Milliseconds that one call may take; null for the plugin's own limit.
	MaxInferenceTime *float64 `json:"max_inference_time,omitempty"`

	// One of single, retry, fallback, vote.
	Architecture *string `json:"architecture,omitempty"`

	Budget *Budget `json:"budget,omitempty"`

	// Tiers that it may remember and recall in.
	MemoryTiers []string `json:"memory_tiers,omitempty"`

	Description *string `json:"description,omitempty"`

	// Refuse it when something it requires is not there.
	Strict *bool `json:"strict,omitempty"`
}

// Intelligences is a JSON object.
type Intelligences struct {
	Items []Intelligence `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// KeptCall is a JSON object.
type KeptCall struct {
	ID string `json:"id"`

	Plugin string `json:"plugin"`

	Function string `json:"function"`

	// As the plugin's manifest says.
	Version string `json:"version"`

	// Of the module that answered.
	Hash string `json:"hash"`

	// One of ok, failed.
	State string `json:"state"`

	// `ok`, or the code of the error.
	Code string `json:"code"`

	// The fact of the error, shortened; empty where it went well.
	Error string `json:"error"`

	// Who called, such as `user 7`, `plugin text` or `workflow pay`.
	By string `json:"by"`

	// The run of a workflow whose step called.
	Run *string `json:"run"`

	// The place of that step.
	Place *string `json:"place"`

	// The id of its trace, where traces are collected.
	Trace *string `json:"trace"`

	// Seconds since the Unix epoch.
	At float64 `json:"at"`

	TimeMs float64 `json:"time_ms"`

	// It took long, and was kept for that.
	Slow bool `json:"slow"`

	// Instructions; null where they are not counted.
	Fuel *int64 `json:"fuel"`

	MemoryBytes *int64 `json:"memory_bytes"`

	// How often it called the host.
	HostCalls int64 `json:"host_calls"`

	// The last things that it asked of the host.
	Asked []HostCallNote `json:"asked"`

	InputBytes int64 `json:"input_bytes"`

	// How its input begins, without secrets; null unless the host keeps it.
	Input *string `json:"input"`
}

// KeptCalls is a JSON object.
type KeptCalls struct {
	Items []KeptCall `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// Knob is a JSON object.
type Knob struct {
	Name string `json:"name"`

	At string `json:"at"`

	// One of int, float, choice, jq, javascript, text.
	Kind string `json:"kind"`

	// Of a number.
	Least *float64 `json:"least,omitempty"`

	Most *float64 `json:"most,omitempty"`

	// Of a choice.
	Values []any `json:"values,omitempty"`
}

// Lane is a JSON object.
type Lane struct {
	// Null for all lanes as one. One of reflexive, reactive, adaptive, deliberative, evolutionary,
	// transformative, transcendent.
	Lane *string `json:"lane"`

	// True if it runs by itself.
	Scheduled bool `json:"scheduled"`

	Running bool `json:"running"`

	CyclesCompleted int64 `json:"cycles_completed"`

	Failures int64 `json:"failures"`

	// Seconds since the Unix epoch.
	LastRunAt *float64 `json:"last_run_at"`

	// Seconds since the Unix epoch.
	NextRunAt *float64 `json:"next_run_at"`

	// Seconds.
	AvgDurationS float64 `json:"avg_duration_s"`

	Handlers []string `json:"handlers"`
}

// Lanes is a JSON object.
type Lanes struct {
	Items []Lane `json:"items"`
}

// LimitChange is a JSON object.
type LimitChange struct {
	From any `json:"from"`

	To any `json:"to"`
}

// LimitInForce is a JSON object.
type LimitInForce struct {
	Value any `json:"value"`

	// One of manifest, settings, most.
	Origin string `json:"origin"`
}

// LogFrame is a JSON object.
type LogFrame struct {
	Plugin string `json:"plugin"`

	// Seconds since the Unix epoch.
	At float64 `json:"at"`

	Level string `json:"level"`

	Message string `json:"message"`

	// Lines left out before this one, for they came too fast.
	Dropped int64 `json:"dropped"`
}

// LogLine is a JSON object.
type LogLine struct {
	// Seconds since the Unix epoch.
	At float64 `json:"at"`

	Level string `json:"level"`

	Message string `json:"message"`
}

// LogLines is a JSON object.
type LogLines struct {
	Items []LogLine `json:"items"`

	// Lines let go.
	Dropped int64 `json:"dropped"`

	// Pass it as `after` for what comes later.
	Next int64 `json:"next"`
}

// LoggedIn is a JSON object.
type LoggedIn struct {
	ID string `json:"id"`

	// One of password, oidc.
	Via string `json:"via"`

	// Address.
	From string `json:"from"`

	// What the browser calls itself.
	Agent string `json:"agent"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`

	// To the minute, in seconds since the Unix epoch.
	SeenAt float64 `json:"seen_at"`

	// Seconds since the Unix epoch.
	ExpiresAt float64 `json:"expires_at"`

	User string `json:"user"`

	// It is the one that asks.
	Current bool `json:"current"`
}

// LookOrder is a JSON object.
type LookOrder struct {
	// `oci://HOST/NAME:VERSION` or `https://HOST/FILE#sha256=DIGEST`.
	Reference string `json:"reference"`
}

// Match is a JSON object.
type Match struct {
	ID string `json:"id"`

	// By the collection's metric; 0 is the same.
	Distance float64 `json:"distance"`

	Metadata map[string]any `json:"metadata"`
}

// Matches is a JSON object.
type Matches struct {
	Matches []Match `json:"matches"`

	// False when an index answered, which may miss some.
	Exact bool `json:"exact"`
}

// Memories is a JSON object.
type Memories struct {
	Items []Memory `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// MemoriesErased is a JSON object.
type MemoriesErased struct {
	// Memories, those that were made of others among them.
	Memories int64 `json:"memories"`

	// Facts that were said in none of these memories.
	Facts int64 `json:"facts"`

	// Core blocks.
	Blocks int64 `json:"blocks"`
}

// MemoriesForgotten is a JSON object.
type MemoriesForgotten struct {
	Forgotten []string `json:"forgotten"`
}

// Memory is a JSON object.
type Memory struct {
	ID string `json:"id"`

	// A plugin, `@host`, or `@shared`.
	Owner string `json:"owner"`

	// One of immediate, short_term, session, episodic, semantic, procedural, strategic, civilizational,
	// evolutionary, planetary, galactic, cosmic.
	Tier string `json:"tier"`

	Text string `json:"text"`

	Importance float64 `json:"importance"`

	// True if the host judged its importance.
	Judged bool `json:"judged"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`

	// Seconds since the Unix epoch.
	AccessedAt float64 `json:"accessed_at"`

	Hits int64 `json:"hits"`

	Metadata map[string]any `json:"metadata"`

	// Who wrote it: a plugin, or the host.
	Writer string `json:"writer"`

	// The call in which it was written.
	Call *string `json:"call"`

	Source *string `json:"source"`

	User *string `json:"user"`

	Agent *string `json:"agent"`

	Session *string `json:"session"`

	App *string `json:"app"`

	// `quarantined` until a person approves it. One of live, quarantined.
	State string `json:"state"`

	Pinned bool `json:"pinned"`

	ExpiresAt *float64 `json:"expires_at"`

	ValidFrom *float64 `json:"valid_from"`

	ValidTo *float64 `json:"valid_to"`

	SupersededBy *string `json:"superseded_by"`

	// The probability that it answers the question, 0 to 1.
	Score *float64 `json:"score"`

	// Without a question empty. The shares of `rank`, by which results are ordered, and the signals of `score`:
	// `cosine`, and the share of the question's words, rare ones counting more, that it holds (`covered`), or it
	// and its neighbours (`around`).
	Explain map[string]float64 `json:"explain"`

	Edges []MemoryEdge `json:"edges,omitempty"`
}

// MemoryBlock is a JSON object.
type MemoryBlock struct {
	Name string `json:"name"`

	Text string `json:"text"`

	// Counts its changes from 1; a writer sends the one that it read.
	Version int64 `json:"version"`

	// Seconds since the Unix epoch.
	ChangedAt float64 `json:"changed_at"`

	// Who wrote this version.
	ChangedBy string `json:"changed_by"`

	ID string `json:"id"`

	// A plugin, or `@host`.
	Owner string `json:"owner"`

	User *string `json:"user"`

	Agent *string `json:"agent"`

	Session *string `json:"session"`

	App *string `json:"app"`
}

// MemoryBlockOrder is a JSON object.
type MemoryBlockOrder struct {
	Text *string `json:"text,omitempty"`

	// An earlier version, in place of a text.
	Restore *int64 `json:"restore,omitempty"`

	// The version that you read and change; 0 makes a new block.
	Version *int64 `json:"version,omitempty"`
}

// MemoryBlockVersion is a JSON object.
type MemoryBlockVersion struct {
	Version int64 `json:"version"`

	Text string `json:"text"`

	// Seconds since the Unix epoch.
	ChangedAt float64 `json:"changed_at"`

	// Who wrote this version.
	ChangedBy string `json:"changed_by"`
}

// MemoryBlockVersions is a JSON object.
type MemoryBlockVersions struct {
	Items []MemoryBlockVersion `json:"items"`
}

// MemoryBlocks is a JSON object.
type MemoryBlocks struct {
	Items []MemoryBlock `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// MemoryChange is a JSON object.
type MemoryChange struct {
	Pinned *bool `json:"pinned,omitempty"`

	// One of True.
	Approved *bool `json:"approved,omitempty"`

	SupersededBy *string `json:"superseded_by,omitempty"`
}

// MemoryEdge is a JSON object.
type MemoryEdge struct {
	From string `json:"from"`

	Relation string `json:"relation"`

	To string `json:"to"`

	Note string `json:"note"`
}

// MemoryEntity is a JSON object.
type MemoryEntity struct {
	Name string `json:"name"`

	// The facts, by the time from when on they hold.
	Facts []Fact `json:"facts"`

	// What mentions it or was said by it, the oldest first.
	Memories []Memory `json:"memories"`
}

// MemoryErasure is a JSON object.
type MemoryErasure struct {
	// The user whose it is.
	User *string `json:"user,omitempty"`

	// The agent whose it is.
	Agent *string `json:"agent,omitempty"`

	// The session in which it was said.
	Session *string `json:"session,omitempty"`

	// The application whose it is.
	App *string `json:"app,omitempty"`

	// What the metadata must fulfil: values by name, or operators such as `{"$gte": 2020}`; `$and`, `$or` and
	// `$not` take filters.
	Filter map[string]any `json:"filter,omitempty"`
}

// MemoryFactOrder is a JSON object.
type MemoryFactOrder struct {
	// The user whose it is.
	User *string `json:"user,omitempty"`

	// The agent whose it is.
	Agent *string `json:"agent,omitempty"`

	// The session in which it was said.
	Session *string `json:"session,omitempty"`

	// The application whose it is.
	App *string `json:"app,omitempty"`

	// Such as `Ada`, or `@me`.
	About string `json:"about"`

	// Such as `home`.
	Attribute string `json:"attribute"`

	Value string `json:"value"`

	// From when on it holds; now when left out.
	Since *float64 `json:"since,omitempty"`

	// True says that the value holds no more.
	Ends *bool `json:"ends,omitempty"`
}

// MemoryFactStated is a JSON object.
type MemoryFactStated struct {
	ID string `json:"id"`
}

// MemoryFacts is a JSON object.
type MemoryFacts struct {
	Items []Fact `json:"items"`
}

// MemoryImported is a JSON object.
type MemoryImported struct {
	Pack string `json:"pack"`

	Version string `json:"version"`

	// Memories that it brought, or that were there.
	Memories int64 `json:"memories"`

	// Memories of older versions that are gone.
	Replaced int64 `json:"replaced"`
}

// MemoryOrder is a JSON object.
type MemoryOrder struct {
	// The user whose it is.
	User *string `json:"user,omitempty"`

	// The agent whose it is.
	Agent *string `json:"agent,omitempty"`

	// The session in which it was said.
	Session *string `json:"session,omitempty"`

	// The application whose it is.
	App *string `json:"app,omitempty"`

	Text string `json:"text"`

	// episodic when left out. One of immediate, short_term, session, episodic, semantic, procedural, strategic,
	// civilizational, evolutionary, planetary, galactic, cosmic.
	Tier *string `json:"tier,omitempty"`

	Importance *float64 `json:"importance,omitempty"`

	Embedding []float64 `json:"embedding,omitempty"`

	// `session` and `speaker` among them help recall.
	Metadata map[string]any `json:"metadata,omitempty"`

	Source *string `json:"source,omitempty"`

	Pinned *bool `json:"pinned,omitempty"`

	// When it was said; now when left out.
	SaidAt *float64 `json:"said_at,omitempty"`
}

// MemoryOwner is a JSON object.
type MemoryOwner struct {
	// A plugin, `@host`, or `@shared` for the tiers that belong to nobody alone.
	Owner string `json:"owner"`

	Items int64 `json:"items"`

	Bytes int64 `json:"bytes"`

	ByTier map[string]int64 `json:"by_tier"`

	// What a plugin's grant allows.
	Quota *MemoryQuota `json:"quota"`
}

// MemoryOwners is a JSON object.
type MemoryOwners struct {
	Items []MemoryOwner `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// MemoryQuestion is a JSON object.
type MemoryQuestion struct {
	// The user whose it is.
	User *string `json:"user,omitempty"`

	// The agent whose it is.
	Agent *string `json:"agent,omitempty"`

	// The session in which it was said.
	Session *string `json:"session,omitempty"`

	// The application whose it is.
	App *string `json:"app,omitempty"`

	Text *string `json:"text,omitempty"`

	Embedding []float64 `json:"embedding,omitempty"`

	Tiers []string `json:"tiers,omitempty"`

	Limit *int64 `json:"limit,omitempty"`

	// Only memories with this score, the probability that one answers.
	MinScore *float64 `json:"min_score,omitempty"`

	// True counts what is found as used.
	Touch *bool `json:"touch,omitempty"`

	// Only what was said then or later. Seconds since the Unix epoch.
	Since *float64 `json:"since,omitempty"`

	// Only what was said then or before. Seconds since the Unix epoch.
	Until *float64 `json:"until,omitempty"`

	// The time that facts are asked of; else the one that the text names, or now.
	ValidAt *float64 `json:"valid_at,omitempty"`

	// Leaves out all that was said later.
	AsOf *float64 `json:"as_of,omitempty"`

	// What the metadata must fulfil: values by name, or operators such as `{"$gte": 2020}`; `$and`, `$or` and
	// `$not` take filters.
	Filter map[string]any `json:"filter,omitempty"`

	// The most characters of all texts together: core blocks first, then what fits best.
	Budget *int64 `json:"budget,omitempty"`
}

// MemoryQuota is a JSON object.
type MemoryQuota struct {
	MaxItems *int64 `json:"max_items"`

	MaxBytes *int64 `json:"max_bytes"`

	Tiers []string `json:"tiers"`

	Write bool `json:"write"`
}

// MemoryStats is a JSON object.
type MemoryStats struct {
	Items int64 `json:"items"`

	Bytes int64 `json:"bytes"`

	ByTier map[string]int64 `json:"by_tier"`

	ByOwner map[string]int64 `json:"by_owner"`

	// Memories that wait for approval.
	Quarantined int64 `json:"quarantined"`

	// Memories that are still to be read for facts, in the background.
	Unread int64 `json:"unread"`

	Embedder *string `json:"embedder"`

	Problems []string `json:"problems"`
}

// MemoryTier is a JSON object.
type MemoryTier struct {
	// One of immediate, short_term, session, episodic, semantic, procedural, strategic, civilizational,
	// evolutionary, planetary, galactic, cosmic.
	Tier string `json:"tier"`

	Purpose string `json:"purpose"`

	Scope string `json:"scope"`

	// One of plugin, grant, host, operator.
	Writer string `json:"writer"`

	TTLS *float64 `json:"ttl_s"`

	HalfLifeS *float64 `json:"half_life_s"`

	Cap int64 `json:"cap"`

	// One of working, experience, knowledge, shared.
	Group string `json:"group"`

	PromoteAt *float64 `json:"promote_at"`

	PromoteHits *int64 `json:"promote_hits"`

	// One of immediate, short_term, session, episodic, semantic, procedural, strategic, civilizational,
	// evolutionary, planetary, galactic, cosmic.
	PromoteTo *string `json:"promote_to"`

	Evicts bool `json:"evicts"`

	Shared bool `json:"shared"`

	LastingAt *float64 `json:"lasting_at"`
}

// MemoryTiers is a JSON object.
type MemoryTiers struct {
	Items []MemoryTier `json:"items"`
}

// NameChanges is a JSON object.
type NameChanges struct {
	Added []string `json:"added"`

	Removed []string `json:"removed"`
}

// NewFleetToken is a JSON object.
type NewFleetToken struct {
	// The token, shown only now.
	Secret string `json:"secret"`

	// Seconds since the Unix epoch.
	ExpiresAt float64 `json:"expires_at"`
}

// NewToken is a JSON object.
type NewToken struct {
	Name string `json:"name"`

	// Each role may do what those before it may. One of nobody, viewer, operator, admin.
	Role string `json:"role"`

	// Roles that are higher for single plugins.
	Plugins map[string]string `json:"plugins"`

	// Tags of the operations that it may use; null for all of them.
	Scopes []string `json:"scopes"`

	// Seconds since the Unix epoch.
	ExpiresAt *float64 `json:"expires_at"`

	ID string `json:"id"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`

	// To the minute, in seconds since the Unix epoch.
	LastUsedAt *float64 `json:"last_used_at"`

	// Name of a user; null for whoever runs the host.
	Owner *string `json:"owner"`

	// The token itself. It cannot be read again.
	Secret string `json:"secret"`
}

// OutdatedPlugin is a JSON object.
type OutdatedPlugin struct {
	Plugin string `json:"plugin"`

	Source string `json:"source"`

	Version string `json:"version"`

	// The highest version that the source has; empty where it tells none.
	Newest string `json:"newest"`

	// What installs it; empty where nothing is newer.
	Reference string `json:"reference"`

	// Why the source does not tell, if it does not.
	Problem *string `json:"problem,omitempty"`
}

// OutdatedPlugins is a JSON object.
type OutdatedPlugins struct {
	Items []OutdatedPlugin `json:"items"`
}

// PackageLook is a JSON object.
type PackageLook struct {
	Reference string `json:"reference"`

	// Of the package: what is installed.
	Digest string `json:"digest"`

	Name string `json:"name"`

	Version string `json:"version"`

	Description string `json:"description"`

	Author string `json:"author"`

	SizeBytes int64 `json:"size_bytes"`

	// Bytes of each file by its name.
	Files map[string]int64 `json:"files"`

	// README.md; nobody has checked what it says.
	Readme string `json:"readme"`

	Publisher PublisherVerdict `json:"publisher"`

	// What it would change, and what it asks for without a grant.
	Upgrade Upgrade `json:"upgrade"`
}

// PasswordChange is a JSON object.
type PasswordChange struct {
	Old string `json:"old"`

	New string `json:"new"`
}

// Pin is a JSON object.
type Pin struct {
	Step string `json:"step"`

	// Seconds since the Unix epoch.
	ChangedAt float64 `json:"changed_at"`

	ChangedBy string `json:"changed_by"`

	// Any JSON value.
	Value any `json:"value"`
}

// PinChange is a JSON object.
type PinChange struct {
	// Name of the step.
	Step string `json:"step"`

	// Its output in trials.
	Value any `json:"value,omitempty"`
}

// Pins is a JSON object.
type Pins struct {
	Items []Pin `json:"items"`
}

// PlacementOrder is a JSON object.
type PlacementOrder struct {
	// Labels that a host needs, all of them, such as `zone: eu`; null for every host.
	Labels map[string]string `json:"labels"`

	// Of the plugin as it was looked at: 409 when it was changed since.
	Revision *int64 `json:"revision,omitempty"`
}

// PlainCredentials is a JSON object.
type PlainCredentials struct {
	Username string `json:"username"`

	Password string `json:"password"`
}

// PlainPlugin is a JSON object.
type PlainPlugin struct {
	ID string `json:"id"`

	Name string `json:"name"`

	Version string `json:"version"`

	Description string `json:"description"`

	// One of enabled, needs-grant, needs-review, disabled, quarantined, rejected.
	State string `json:"state"`

	Functions []string `json:"functions"`
}

// PlainToken is a JSON object.
type PlainToken struct {
	// To be sent as `Authorization: Bearer TOKEN`.
	Token string `json:"token"`
}

// PlainWorkflow is a JSON object.
type PlainWorkflow struct {
	ID string `json:"id"`

	Name string `json:"name"`

	Description string `json:"description"`

	Version string `json:"version"`

	Enabled bool `json:"enabled"`

	// The definition as plain JSON values.
	Document map[string]any `json:"document,omitempty"`
}

// PlannedStep is a JSON object.
type PlannedStep struct {
	// One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`.
	Place string `json:"place"`

	// Of the task in the version that ran.
	Path string `json:"path"`

	Name string `json:"name"`

	Kind string `json:"kind"`

	// The reason why it is done again: it failed, it is another one in the version that goes on, or it follows
	// from a step that is done again. One of , failed, changed, follows.
	Why *string `json:"why,omitempty"`
}

// Plugin is a JSON object.
type Plugin struct {
	Name string `json:"name"`

	Version string `json:"version"`

	Description string `json:"description"`

	Author string `json:"author"`

	// The newest usable version of the file.
	Hash *string `json:"hash"`

	// The version that answers calls.
	Serving *string `json:"serving"`

	// One of enabled, needs-grant, needs-review, disabled, quarantined, rejected.
	State string `json:"state"`

	// Why it is in this state.
	Reason string `json:"reason"`

	Functions map[string]Function `json:"functions"`

	Asked []Ask `json:"asked"`

	Granted []Grant `json:"granted"`

	Limits map[string]any `json:"limits"`

	// JSON Schema of its settings.
	Config map[string]any `json:"config"`

	LastError map[string]any `json:"last_error"`

	// Its file in the plugin folder; of a native plugin package.module:Name.
	Path string `json:"path"`

	// Native plugins are Python in the host's own process. One of sandboxed, native.
	Trust string `json:"trust"`

	// Per cent of the calls by hash; null where one version has all.
	Shares map[string]any `json:"shares"`

	// Grows with each decision about the plugin, made at whichever host.
	Revision int64 `json:"revision"`

	// Labels that a host needs to serve it; null: every host serves it.
	Placement map[string]any `json:"placement"`

	// Its last rollout; only where a single plugin is shown.
	Rollout *Rollout `json:"rollout,omitempty"`
}

// PluginConfig is a JSON object.
type PluginConfig struct {
	// JSON Schema of the settings; null for a plugin that describes none.
	Schema map[string]any `json:"schema"`

	// The settings in force; those that are secret are shown as ********.
	Values map[string]any `json:"values"`

	// Where each comes from: stored here, the host's settings, or the schema.
	Origins map[string]string `json:"origins"`

	// Settings whose values are never shown.
	Secrets []string `json:"secrets"`
}

// PluginConfigOrder is a JSON object.
type PluginConfigOrder struct {
	// All settings. What is left out goes back to where it came from; ******** keeps a secret.
	Values map[string]any `json:"values"`
}

// PluginDecision is a JSON object.
type PluginDecision struct {
	Who string `json:"who"`

	// Seconds since the Unix epoch.
	At float64 `json:"at"`
}

// PluginHosts is a JSON object.
type PluginHosts struct {
	Sources []PluginSource `json:"sources"`

	Hosts []PluginOnHost `json:"hosts"`
}

// PluginOnHost is a JSON object.
type PluginOnHost struct {
	// The name of the host's machine.
	Host string `json:"host"`

	// The identity of the host's data folder.
	ID string `json:"id"`

	Hash string `json:"hash"`

	// coming: it is being compiled there. One of coming, loaded, failed.
	State string `json:"state"`

	Error string `json:"error"`

	// Another version is accepted and not in service at that host yet.
	Lags bool `json:"lags"`

	Since float64 `json:"since"`
}

// PluginOrigin is a JSON object.
type PluginOrigin struct {
	Plugin string `json:"plugin"`

	// SHA-256 of the module, in hexadecimal.
	Hash string `json:"hash"`

	// A repository without tag and digest, a URL or a file.
	Source string `json:"source"`

	Version string `json:"version"`

	// The digest of the package.
	Digest string `json:"digest"`

	// Who signed it, by fingerprints of keys; empty for nobody.
	Publisher string `json:"publisher"`

	// Seconds since the Unix epoch.
	InstalledAt float64 `json:"installed_at"`

	InstalledBy string `json:"installed_by"`
}

// PluginOrigins is a JSON object.
type PluginOrigins struct {
	Items []PluginOrigin `json:"items"`
}

// PluginSource is a JSON object.
type PluginSource struct {
	// The name of the host's machine.
	Host string `json:"host"`

	// The identity of the host's data folder; empty for a host that is alone.
	ID string `json:"id"`

	Path string `json:"path"`

	// The version that it proposes; null for a file that cannot be used.
	Hash *string `json:"hash"`

	Problem string `json:"problem"`

	// It is the version that answers calls.
	Agrees bool `json:"agrees"`

	// The plugin was removed at another host: the file proposes nothing.
	Removed bool `json:"removed"`

	At float64 `json:"at"`
}

// PluginStatus is a JSON object.
type PluginStatus struct {
	Breaker Breaker `json:"breaker"`

	// Calls that run now.
	InFlight int64 `json:"in_flight"`

	// Sandboxes kept for the next call.
	Warm int64 `json:"warm"`

	WarmBytes int64 `json:"warm_bytes"`

	// Since the host started.
	Calls int64 `json:"calls"`

	Errors int64 `json:"errors"`

	// No call in 20 took longer; null without calls.
	P95Ms *float64 `json:"p95_ms"`

	Limits map[string]LimitInForce `json:"limits"`
}

// Plugins is a JSON object.
type Plugins struct {
	Items []Plugin `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`

	// All plugins by state, on this page or not; with `totals=true`.
	Totals map[string]int64 `json:"totals,omitempty"`
}

// Practice is a JSON object.
type Practice struct {
	Cases []PracticeCase `json:"cases"`
}

// PracticeCase is a JSON object.
type PracticeCase struct {
	Capability string `json:"capability"`

	// A JSON value for the function.
	Input any `json:"input,omitempty"`

	// The JSON value, or the text, that is right.
	Expect any `json:"expect,omitempty"`
}

// Problem is a JSON object.
type Problem struct {
	Type string `json:"type"`

	Title string `json:"title"`

	Status int64 `json:"status"`

	// Stable; made for programs.
	Code string `json:"code"`

	// What happened.
	Detail string `json:"detail"`

	// What to do about it.
	Remedy string `json:"remedy"`

	// Names the request, as `x-request-id` and the log do.
	Instance string `json:"instance"`
}

// Published is a JSON object.
type Published struct {
	// How many came.
	Accepted int64 `json:"accepted"`

	// How many of them had not come before.
	New int64 `json:"new"`
}

// PublisherKey is a JSON object.
type PublisherKey struct {
	Fingerprint string `json:"fingerprint"`

	// The public key, as a file has it.
	Key string `json:"key"`
}

// PublisherVerdict is a JSON object.
type PublisherVerdict struct {
	// One of accept, ask, refuse.
	Decision string `json:"decision"`

	Reason string `json:"reason"`

	Remedy string `json:"remedy"`

	// Who signed it, for people; empty for nobody.
	Publisher string `json:"publisher"`

	// Those who are trusted and signed it.
	Publishers []string `json:"publishers"`

	// The same by the names that the owner gave them.
	Names []string `json:"names"`

	Unknown []PublisherKey `json:"unknown"`

	// Everybody whose signature verifies, by fingerprints.
	Signers string `json:"signers"`
}

// Queue is a JSON object.
type Queue struct {
	Queue string `json:"queue"`

	Limit *int64 `json:"limit"`

	Waiting int64 `json:"waiting"`

	Running int64 `json:"running"`
}

// Queues is a JSON object.
type Queues struct {
	Items []Queue `json:"items"`
}

// Readiness is a JSON object.
type Readiness struct {
	// One of ok.
	Status string `json:"status"`

	// What is wrong though plugins can be called; left out: nothing.
	Degraded *string `json:"degraded,omitempty"`
}

// Recalled is a JSON object.
type Recalled struct {
	Items []Memory `json:"items"`

	// Ways of looking that could not be used, and why.
	Notes []string `json:"notes"`

	// Facts that the question asks for and that hold then.
	Facts []Fact `json:"facts"`

	// Core blocks, which are given whatever the question: they come first in a model's context.
	Blocks []MemoryBlock `json:"blocks"`
}

// Removed is a JSON object.
type Removed struct {
	Removed bool `json:"removed"`
}

// RestoreOrder is a JSON object.
type RestoreOrder struct {
	// The backup's name, once more.
	Confirm string `json:"confirm"`
}

// RestoreOutcome is a JSON object.
type RestoreOutcome struct {
	Backup string `json:"backup"`

	// Seconds since the Unix epoch.
	At float64 `json:"at"`

	Ok bool `json:"ok"`

	// What came of it, and where what was there before is kept.
	Text string `json:"text"`
}

// RetryPlan is a JSON object.
type RetryPlan struct {
	// Number of the version that goes on; 0 for a trial.
	Version int64 `json:"version"`

	// Their results stay; they are not called again.
	Kept []PlannedStep `json:"kept"`

	// They failed, changed, or follow from one that did.
	Again []PlannedStep `json:"again"`
}

// RollbackOrder is a JSON object.
type RollbackOrder struct {
	// The version; its first 8 characters or more will do.
	Hash string `json:"hash"`
}

// Rollout is a JSON object.
type Rollout struct {
	Plugin string `json:"plugin"`

	Version string `json:"version"`

	// SHA-256 of the new version.
	Digest string `json:"digest"`

	// SHA-256 of the version that served, which serves again after a failure.
	Before string `json:"before"`

	// Per cent of the calls for the new version, step by step.
	Shares []int64 `json:"shares"`

	// The time that a step lasts at least.
	EveryS float64 `json:"every_s"`

	// Conditions that hold while it goes on, such as errors<1%.
	Guards []string `json:"guards"`

	Who string `json:"who"`

	// One of running, done, rolled-back, stopped.
	State *string `json:"state,omitempty"`

	// Why it ended so, or what the step waits for.
	Reason *string `json:"reason,omitempty"`

	// Index of the share in force; -1: all calls are to go to `before`.
	Step *int64 `json:"step,omitempty"`

	// Seconds since the Unix epoch.
	BeganAt float64 `json:"began_at"`

	// Seconds since the Unix epoch.
	StepAt float64 `json:"step_at"`

	// Seconds since the Unix epoch.
	EndedAt *float64 `json:"ended_at,omitempty"`

	// Since when it rests at its share; null: it does not.
	PausedAt *float64 `json:"paused_at,omitempty"`

	// The time for which the present step rested before.
	PausedS *float64 `json:"paused_s,omitempty"`
}

// RolloutList is a JSON object.
type RolloutList struct {
	Items []RolloutProgress `json:"items"`
}

// RolloutOrder is a JSON object.
type RolloutOrder struct {
	// A version that is kept, or the first 8 characters or more of its hash.
	Version string `json:"version"`

	// Per cent of the calls, rising; the last is 100.
	Shares []int64 `json:"shares,omitempty"`

	// The time that a step lasts at least.
	EveryS *float64 `json:"every_s,omitempty"`

	// Conditions: errors<1%; p95<200ms or p95<2s; p95<2x, against the version that served.
	Guards []string `json:"guards,omitempty"`
}

// RolloutProgress is a JSON object.
type RolloutProgress struct {
	Rollout Rollout `json:"rollout"`

	// Per cent of the calls that the new version has now.
	Share int64 `json:"share"`

	// When the next step is taken, at the soonest; null where none follows.
	NextAt *float64 `json:"next_at"`

	Before VersionFigures `json:"before"`

	After VersionFigures `json:"after"`

	Guards []GuardReading `json:"guards"`
}

// RpcMessage is a JSON object.
type RpcMessage struct {
	// One of 2.0.
	Jsonrpc string `json:"jsonrpc"`

	ID any `json:"id,omitempty"`

	Method *string `json:"method,omitempty"`

	Params map[string]any `json:"params,omitempty"`

	Result map[string]any `json:"result,omitempty"`

	Error *RpcMessageError `json:"error,omitempty"`
}

// RpcMessageError is a JSON object.
type RpcMessageError struct {
	Code int64 `json:"code"`

	Message string `json:"message"`

	Data any `json:"data,omitempty"`
}

// Run is a JSON object.
type Run struct {
	ID string `json:"id"`

	Workflow string `json:"workflow"`

	// The version; null for a trial.
	Number *int64 `json:"number"`

	Digest string `json:"digest"`

	// One of pending, running, waiting, suspended, completed, faulted, cancelled.
	Status string `json:"status"`

	// What began it: its `kind`, and what belongs to that.
	Trigger map[string]any `json:"trigger"`

	By string `json:"by"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`

	// Seconds since the Unix epoch.
	StartedAt *float64 `json:"started_at"`

	// Seconds since the Unix epoch.
	EndedAt *float64 `json:"ended_at"`

	// When a waiting one goes on by itself.
	DueAt *float64 `json:"due_at"`

	Priority int64 `json:"priority"`

	Input any `json:"input"`

	Output any `json:"output"`

	Fault *WorkflowFault `json:"fault"`

	// The run that began it.
	Parent *string `json:"parent"`

	// The run whose rows it began with.
	ForkedFrom *string `json:"forked_from"`

	// Rows of its journal.
	Steps int64 `json:"steps"`

	// Of the last row and so of all.
	Hash string `json:"hash"`

	// Of a text that was not applied.
	Trial bool `json:"trial"`

	// Those it was begun with, and the tags of its document as `name=value`.
	Labels []string `json:"labels"`
}

// RunAudit is a JSON object.
type RunAudit struct {
	// The hashes of all rows hold.
	Ok bool `json:"ok"`

	Rows int64 `json:"rows"`

	Hash string `json:"hash"`

	// Its row in the host's record of changes.
	RecordSeq *int64 `json:"record_seq"`

	// What is wrong, where something is.
	Fact *string `json:"fact,omitempty"`

	// The row where it is.
	Seq *int64 `json:"seq,omitempty"`
}

// RunComparison is a JSON object.
type RunComparison struct {
	Workflow string `json:"workflow"`

	First RunSide `json:"first"`

	Second RunSide `json:"second"`

	Steps []StepComparison `json:"steps"`

	// A run has more than 2000 rows; those behind are left out.
	Cut bool `json:"cut"`
}

// RunFork is a JSON object.
type RunFork struct {
	// The last row taken over.
	Seq int64 `json:"seq"`

	Input any `json:"input,omitempty"`
}

// RunOpen is a JSON object.
type RunOpen struct {
	Items []RunOpenItemsItem `json:"items"`
}

// RunOpenItemsItem is a JSON object.
type RunOpenItemsItem struct {
	// One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`.
	Place string `json:"place"`

	Kind string `json:"kind"`

	Name string `json:"name"`

	Attempt int64 `json:"attempt"`

	// Seconds since the Unix epoch.
	DueAt *float64 `json:"due_at"`

	// The reason why it has not begun: no host can do it, or its engine is missing; empty: none.
	WaitsFor *string `json:"waits_for,omitempty"`
}

// RunOrder is a JSON object.
type RunOrder struct {
	Input any `json:"input,omitempty"`

	// A second start with this key is the first one.
	Key *string `json:"key,omitempty"`

	// Seconds to wait for the end; it goes on after.
	WaitS *float64 `json:"wait_s,omitempty"`

	// A version; the newest one.
	Number *int64 `json:"number,omitempty"`

	// Higher ones first; default: that of the workflow.
	Priority *int64 `json:"priority,omitempty"`

	// Texts to find it by in lists.
	Labels []string `json:"labels,omitempty"`
}

// RunRetry is a JSON object.
type RunRetry struct {
	// Where it goes on; else where it failed or was cut.
	Place *string `json:"place,omitempty"`

	// The version that goes on; else the one that ran. Steps that are the same in it are kept.
	Version *int64 `json:"version,omitempty"`
}

// RunSide is a JSON object.
type RunSide struct {
	ID string `json:"id"`

	// The version; null for a trial.
	Number *int64 `json:"number"`

	Status string `json:"status"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`

	// Seconds since the Unix epoch.
	EndedAt *float64 `json:"ended_at"`

	// From its beginning to its end.
	TimeMs *float64 `json:"time_ms"`
}

// RunSpan is a JSON object.
type RunSpan struct {
	// `call`: of a plugin in a step; `host`: what that asked of the host. One of trigger, run, step, call, host.
	Kind string `json:"kind"`

	Name string `json:"name"`

	// How deep it is inside of others.
	Depth int64 `json:"depth"`

	// After the first span began.
	BeginMs float64 `json:"begin_ms"`

	// Null while it goes on.
	TimeMs *float64 `json:"time_ms"`

	// The status of a run or step; `ok` or a code of all else.
	State string `json:"state"`

	// Of a step.
	Place *string `json:"place,omitempty"`

	// The delivery or event, the plugin's hash, or the run that a step began.
	About *string `json:"about,omitempty"`
}

// RunStep is a JSON object.
type RunStep struct {
	// Counts from 1.
	Seq int64 `json:"seq"`

	// One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`.
	Place string `json:"place"`

	// Of the task in the document.
	Path string `json:"path"`

	Name string `json:"name"`

	Kind string `json:"kind"`

	// One of completed, faulted, skipped, retried, fired, received, cancelled.
	Status string `json:"status"`

	Attempt int64 `json:"attempt"`

	// Seconds since the Unix epoch.
	At float64 `json:"at"`

	// Seconds since the Unix epoch.
	BeganAt float64 `json:"began_at"`

	Input any `json:"input"`

	Output any `json:"output"`

	Fault *WorkflowFault `json:"fault"`

	// What it cost and who did it.
	Meta map[string]any `json:"meta"`

	// Long values are shortened here.
	Cut *bool `json:"cut,omitempty"`
}

// RunSteps is a JSON object.
type RunSteps struct {
	Items []RunStep `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// RunTimeline is a JSON object.
type RunTimeline struct {
	Run string `json:"run"`

	// When the first span began; seconds since the Unix epoch.
	BeganAt float64 `json:"began_at"`

	Spans []RunSpan `json:"spans"`

	// The row after which the next page begins.
	Next *string `json:"next"`
}

// Runs is a JSON object.
type Runs struct {
	Items []Run `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// Schedule is a JSON object.
type Schedule struct {
	Name string `json:"name"`

	Function string `json:"function"`

	// One of cron, interval, once.
	Kind string `json:"kind"`

	// A cron expression, seconds, or a date as 2030-01-31T08:00.
	Spec string `json:"spec"`

	// Name of the time zone, such as Europe/Berlin.
	Timezone string `json:"timezone"`

	// What becomes of ticks while no host ran. One of skip, one, all.
	Missed string `json:"missed"`

	Queue string `json:"queue"`

	// Higher ones first.
	Priority int64 `json:"priority"`

	// Seconds.
	TimeoutS *float64 `json:"timeout_s"`

	// Failures until it is a dead letter.
	Attempts int64 `json:"attempts"`

	Enabled bool `json:"enabled"`

	// Seconds since the Unix epoch.
	NextAt *float64 `json:"next_at"`

	// Seconds since the Unix epoch.
	LastAt *float64 `json:"last_at"`

	LastTask *string `json:"last_task"`
}

// ScheduleOrder is a JSON object.
type ScheduleOrder struct {
	Name string `json:"name"`

	Function string `json:"function"`

	// One of cron, interval, once.
	Kind string `json:"kind"`

	// A cron expression, seconds, or a date as 2030-01-31T08:00.
	Spec string `json:"spec"`

	// Name of the time zone, such as Europe/Berlin.
	Timezone *string `json:"timezone,omitempty"`

	// What becomes of ticks while no host ran. One of skip, one, all.
	Missed *string `json:"missed,omitempty"`

	Queue *string `json:"queue,omitempty"`

	// Higher ones first.
	Priority *int64 `json:"priority,omitempty"`

	// Seconds.
	TimeoutS *float64 `json:"timeout_s,omitempty"`

	// A JSON value, or {"base64": ...} alone for bytes.
	Input any `json:"input,omitempty"`

	// Failures until it is a dead letter.
	Attempts *int64 `json:"attempts,omitempty"`
}

// ScheduleSwitch is a JSON object.
type ScheduleSwitch struct {
	Enabled bool `json:"enabled"`
}

// Schedules is a JSON object.
type Schedules struct {
	Items []Schedule `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// Series is a JSON object.
type Series struct {
	// Seconds from one figure to the next.
	StepS float64 `json:"step_s"`

	// When the first step began.
	Start float64 `json:"start"`

	Series SeriesSeries `json:"series"`
}

// SeriesSeries is a JSON object.
type SeriesSeries struct {
	Calls []*float64 `json:"calls"`

	Errors []*float64 `json:"errors"`

	CallMsP95 []*float64 `json:"call_ms_p95"`

	// Tasks that ended, well or not.
	Tasks []*float64 `json:"tasks"`

	HTTP []*float64 `json:"http"`
}

// Session is a JSON object.
type Session struct {
	// Who is logged in.
	User *SessionUser `json:"user"`

	// How that was recognised. One of session, token, setting, owner, application, local.
	Via *string `json:"via"`

	// Tags of the operations that it may use; null for all of them.
	Scopes []string `json:"scopes"`

	// What unsafe requests with the session's cookie send as `x-csrf-token`.
	CSRF *string `json:"csrf"`

	// No user was made yet.
	Setup bool `json:"setup"`

	// The service by which one can log in too.
	OIDC *SessionOIDC `json:"oidc"`

	Host SessionHost `json:"host"`
}

// SessionHost is a JSON object.
type SessionHost struct {
	Name string `json:"name"`

	Version string `json:"version"`
}

// SessionOIDC is a JSON object.
type SessionOIDC struct {
	Name string `json:"name"`
}

// SessionUser is a JSON object.
type SessionUser struct {
	// Null for whoever runs the host.
	ID *string `json:"id"`

	Name string `json:"name"`

	// Each role may do what those before it may. One of nobody, viewer, operator, admin.
	Role string `json:"role"`

	// Roles that are higher for single plugins.
	Plugins map[string]string `json:"plugins"`
}

// Sessions is a JSON object.
type Sessions struct {
	Items []LoggedIn `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// Setting is a JSON object.
type Setting struct {
	// With dots, such as `limits.timeout_s`.
	Name string `json:"name"`

	// The first part of the name, empty for settings of the host itself.
	Section string `json:"section"`

	Doc string `json:"doc"`

	// What holds now; of a secret a mask when it is set, else null.
	Value any `json:"value"`

	Default any `json:"default"`

	// default, console, FILE:LINE, a variable, `override NAME`, `environment: PLACE`.
	Origin string `json:"origin"`

	// JSON Schema of the value.
	Schema map[string]any `json:"schema"`

	Secret bool `json:"secret"`

	Editable bool `json:"editable"`

	// Why it cannot be changed here; empty when it can.
	Fixed string `json:"fixed"`

	// A change takes effect when the host is started the next time.
	Restart bool `json:"restart"`

	// The console has set it.
	Override bool `json:"override"`

	// What holds from the next start on, the same as `value` if nothing waits for it.
	Next any `json:"next"`

	// `next` differs from `value`.
	Waiting bool `json:"waiting"`
}

// SettingOrder is a JSON object.
type SettingOrder struct {
	// The new value, as its schema says.
	Value any `json:"value"`
}

// Settings is a JSON object.
type Settings struct {
	Items []Setting `json:"items"`

	// Some wait for the next start.
	Waiting bool `json:"waiting"`
}

// SetupOrder is a JSON object.
type SetupOrder struct {
	// From the link that `omnicore run` prints.
	Key string `json:"key"`

	Name string `json:"name"`

	Password string `json:"password"`
}

// SharesOrder is a JSON object.
type SharesOrder struct {
	// Per cent by hash, or by its first 8 characters or more; 100 together. One version ends it.
	Shares map[string]int64 `json:"shares"`

	// Of the plugin as it was looked at: 409 when it was changed since.
	Revision *int64 `json:"revision,omitempty"`
}

// StagedRestore is a JSON object.
type StagedRestore struct {
	Backup string `json:"backup"`

	// Seconds since the Unix epoch.
	AskedAt float64 `json:"asked_at"`

	By string `json:"by"`
}

// Status is a JSON object.
type Status struct {
	// One of ok.
	Status string `json:"status"`
}

// StepComparison is a JSON object.
type StepComparison struct {
	// One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`.
	Place string `json:"place"`

	Path string `json:"path"`

	Name string `json:"name"`

	Kind string `json:"kind"`

	First *StepSide `json:"first"`

	Second *StepSide `json:"second"`

	// What is not the same; times are never.
	Differs []string `json:"differs"`

	// Where the outputs differ, as far as they are shown here.
	Outputs []ValueDifference `json:"outputs,omitempty"`
}

// StepSide is a JSON object.
type StepSide struct {
	Status string `json:"status"`

	Attempts int64 `json:"attempts"`

	// Of all its attempts.
	TimeMs float64 `json:"time_ms"`

	Output any `json:"output"`

	Fault any `json:"fault"`
}

// Subsystem is a JSON object.
type Subsystem struct {
	// One of Healthy, Degraded, Unhealthy.
	Status string `json:"status"`

	// Why it is not well, or what failed last.
	Reason string `json:"reason"`

	// Whether its being unhealthy makes the host unhealthy.
	Critical bool `json:"critical"`

	LastCheck *float64 `json:"last_check"`

	ConsecutiveFailures int64 `json:"consecutive_failures"`

	ConsecutiveSuccesses int64 `json:"consecutive_successes"`

	TotalChecks int64 `json:"total_checks"`

	TotalFailures int64 `json:"total_failures"`

	Metadata map[string]any `json:"metadata"`
}

// Switch is a JSON object.
type Switch struct {
	// One of enabled, disabled.
	State string `json:"state"`
}

// Task is a JSON object.
type Task struct {
	// `plugin.function`, or the plugin when it has one function.
	Function string `json:"function"`

	// A JSON value, or {"base64": ...} alone for bytes.
	Input any `json:"input"`

	Queue string `json:"queue"`

	// Higher ones first.
	Priority int64 `json:"priority"`

	// For each attempt.
	TimeoutS *float64 `json:"timeout_s"`

	// A second task with this key is the first one.
	Key *string `json:"key"`

	// Free text to find tasks by; many can share it.
	Label *string `json:"label"`

	ID string `json:"id"`

	// A plugin, `@host` or `@schedules`.
	Owner string `json:"owner"`

	// One of waiting, running, done, failed, cancelled.
	State string `json:"state"`

	// Those that ended or run.
	Attempts int64 `json:"attempts"`

	MostAttempts int64 `json:"most_attempts"`

	// Hosts that died while they ran it.
	Lost int64 `json:"lost"`

	// What the function returned, once the task is done.
	Output any `json:"output"`

	// Why it failed last.
	Error *string `json:"error"`

	Code *string `json:"code"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`

	// Seconds since the Unix epoch.
	DueAt float64 `json:"due_at"`

	// Seconds since the Unix epoch.
	ExpiresAt *float64 `json:"expires_at"`

	// Seconds since the Unix epoch.
	StartedAt *float64 `json:"started_at"`

	// Seconds since the Unix epoch.
	FinishedAt *float64 `json:"finished_at"`

	Host *string `json:"host"`
}

// TaskCancelled is a JSON object.
type TaskCancelled struct {
	// False when it was over.
	Cancelled bool `json:"cancelled"`
}

// TaskOrder is a JSON object.
type TaskOrder struct {
	// `plugin.function`, or the plugin when it has one function.
	Function string `json:"function"`

	// A JSON value, or {"base64": ...} alone for bytes.
	Input any `json:"input,omitempty"`

	Queue *string `json:"queue,omitempty"`

	// Higher ones first.
	Priority *int64 `json:"priority,omitempty"`

	// For each attempt.
	TimeoutS *float64 `json:"timeout_s,omitempty"`

	// A second task with this key is the first one.
	Key *string `json:"key,omitempty"`

	// Free text to find tasks by; many can share it.
	Label *string `json:"label,omitempty"`

	// Seconds.
	DelayS *float64 `json:"delay_s,omitempty"`

	// Failures until it is a dead letter.
	Attempts *int64 `json:"attempts,omitempty"`

	// From now on, for all attempts.
	ExpiresS *float64 `json:"expires_s,omitempty"`

	// Waits after each failure; the last one stays.
	BackoffS []float64 `json:"backoff_s,omitempty"`
}

// Tasks is a JSON object.
type Tasks struct {
	Items []Task `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// TasksRetried is a JSON object.
type TasksRetried struct {
	Retried int64 `json:"retried"`

	More bool `json:"more"`

	// Seconds since the Unix epoch.
	Before float64 `json:"before"`
}

// TasksRetry is a JSON object.
type TasksRetry struct {
	// Those that failed until then; now.
	Before *float64 `json:"before,omitempty"`
}

// Ticks is a JSON object.
type Ticks struct {
	// Fewer than asked for where no more come.
	Items []float64 `json:"items"`

	// What a cron expression says; empty for other kinds.
	Words string `json:"words"`
}

// Token is a JSON object.
type Token struct {
	Name string `json:"name"`

	// Each role may do what those before it may. One of nobody, viewer, operator, admin.
	Role string `json:"role"`

	// Roles that are higher for single plugins.
	Plugins map[string]string `json:"plugins"`

	// Tags of the operations that it may use; null for all of them.
	Scopes []string `json:"scopes"`

	// Seconds since the Unix epoch.
	ExpiresAt *float64 `json:"expires_at"`

	ID string `json:"id"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`

	// To the minute, in seconds since the Unix epoch.
	LastUsedAt *float64 `json:"last_used_at"`

	// Name of a user; null for whoever runs the host.
	Owner *string `json:"owner"`
}

// TokenOrder is a JSON object.
type TokenOrder struct {
	Name string `json:"name"`

	// No more than its owner has, whatever is asked; default: viewer. One of nobody, viewer, operator, admin.
	Role *string `json:"role,omitempty"`

	// Roles that are higher for single plugins.
	Plugins map[string]string `json:"plugins,omitempty"`

	// Tags of the operations that it may use; null for all of them.
	Scopes []string `json:"scopes,omitempty"`

	// Seconds since the Unix epoch; default: as the settings say.
	ExpiresAt *float64 `json:"expires_at,omitempty"`

	// Name of a user, which only the owner of the host may give; default: the caller.
	Owner *string `json:"owner,omitempty"`
}

// Tokens is a JSON object.
type Tokens struct {
	Items []Token `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// TrialOrder is a JSON object.
type TrialOrder struct {
	// YAML or JSON, as it was written.
	Text string `json:"text"`

	Input any `json:"input,omitempty"`

	// Path of the task to begin with, in blocks or not.
	From *string `json:"from,omitempty"`

	// Path of the task to end with; the same as `from` for one step.
	To *string `json:"to,omitempty"`

	// Of loops around `from`, by the names of `each`; without, they are the input.
	Variables map[string]any `json:"variables,omitempty"`

	// A run whose recorded values stand for the steps before `from`, and for an input left out.
	Run *string `json:"run,omitempty"`

	// Outputs of steps before `from`, by name; they count before those of `run`.
	Steps map[string]any `json:"steps,omitempty"`

	// `$context` at the beginning.
	Context map[string]any `json:"context,omitempty"`

	// Outputs of calls, scripts, events and workflows that are not begun, by the path of the task.
	Answers map[string]any `json:"answers,omitempty"`

	// `recorded`: calls are answered with the results of `run`; one without a result fails. One of real,
	// recorded.
	Calls *string `json:"calls,omitempty"`

	// Seconds to wait for the end; it goes on after.
	WaitS *float64 `json:"wait_s,omitempty"`
}

// Trigger is a JSON object.
type Trigger struct {
	Event string `json:"event"`

	Payload any `json:"payload,omitempty"`
}

// Upgrade is a JSON object.
type Upgrade struct {
	// The version that answers calls, or was accepted last.
	From *Version `json:"from"`

	// What lies in the folder.
	To *Version `json:"to"`

	// What is approved: SHA-256 of the newer file, or of it and the manifest beside it.
	Digest string `json:"digest"`

	// Why a person has to accept the newer one; empty where none has to.
	Review string `json:"review"`

	// Its version is lower than the one before.
	Lower bool `json:"lower"`

	// The newer one waits for a decision.
	Waiting bool `json:"waiting"`

	// Who turned the newer one away, if somebody did.
	Kept *PluginDecision `json:"kept"`

	Changes []Change `json:"changes"`

	Functions FunctionChanges `json:"functions"`

	Limits map[string]LimitChange `json:"limits"`

	Code CodeChange `json:"code"`
}

// UpgradeOrder is a JSON object.
type UpgradeOrder struct {
	// approve accepts the newer version, grants all that is new and switches; keep turns it away. One of
	// approve, keep.
	Decision string `json:"decision"`

	// Of the version that was looked at, to approve it: 409 when another one is the newest.
	Digest *string `json:"digest,omitempty"`
}

// User is a JSON object.
type User struct {
	Name string `json:"name"`

	// Each role may do what those before it may. One of nobody, viewer, operator, admin.
	Role string `json:"role"`

	// Roles that are higher for single plugins.
	Plugins map[string]string `json:"plugins"`

	ID string `json:"id"`

	Disabled bool `json:"disabled"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`

	// Seconds since the Unix epoch.
	LastLoginAt *float64 `json:"last_login_at"`

	// Who vouches for somebody without a password. One of oidc.
	Second *string `json:"second"`
}

// UserChange is a JSON object.
type UserChange struct {
	// Each role may do what those before it may. One of nobody, viewer, operator, admin.
	Role *string `json:"role,omitempty"`

	// Roles that are higher for single plugins.
	Plugins map[string]string `json:"plugins,omitempty"`

	Disabled *bool `json:"disabled,omitempty"`

	Password *string `json:"password,omitempty"`
}

// UserOrder is a JSON object.
type UserOrder struct {
	Name string `json:"name"`

	// Each role may do what those before it may. One of nobody, viewer, operator, admin.
	Role string `json:"role"`

	// Roles that are higher for single plugins.
	Plugins map[string]string `json:"plugins,omitempty"`

	Password string `json:"password"`
}

// Users is a JSON object.
type Users struct {
	Items []User `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}

// ValueDifference is a JSON object.
type ValueDifference struct {
	// A JSON pointer; empty for the whole.
	Path string `json:"path"`

	First any `json:"first"`

	Second any `json:"second"`
}

// Vector is a JSON object.
type Vector struct {
	ID string `json:"id"`

	Values []float64 `json:"values"`

	// At most 64 members.
	Metadata map[string]any `json:"metadata,omitempty"`
}

// VectorCount is a JSON object.
type VectorCount struct {
	Count int64 `json:"count"`
}

// VectorIds is a JSON object.
type VectorIds struct {
	Ids []string `json:"ids"`
}

// VectorOrder is a JSON object.
type VectorOrder struct {
	Vectors []Vector `json:"vectors"`
}

// VectorQuery is a JSON object.
type VectorQuery struct {
	Values []float64 `json:"values"`

	Limit *int64 `json:"limit,omitempty"`

	// What the metadata must fulfil.
	Filter map[string]any `json:"filter,omitempty"`
}

// Version is a JSON object.
type Version struct {
	// SHA-256 of the module, in hexadecimal.
	Hash string `json:"hash"`

	// The version as its manifest writes it.
	Version string `json:"version"`

	SizeBytes int64 `json:"size_bytes"`

	// When it last became the file in the folder; seconds since the Unix epoch.
	SeenAt float64 `json:"seen_at"`

	// It answers calls.
	Serving bool `json:"serving"`

	// It is what lies in the folder.
	Newest bool `json:"newest"`

	// Somebody decided to keep the version before it.
	TurnedAway bool `json:"turned_away"`

	// Who accepted it; null for one that nobody did.
	Accepted *PluginDecision `json:"accepted"`

	Functions []string `json:"functions"`
}

// VersionFigures is a JSON object.
type VersionFigures struct {
	Hash string `json:"hash"`

	Version string `json:"version"`

	// Per cent of the calls.
	Share int64 `json:"share"`

	Calls int64 `json:"calls"`

	// Calls that the version failed.
	Errors int64 `json:"errors"`

	// No call in 20 took longer; null without calls.
	P95Ms *float64 `json:"p95_ms"`
}

// Versions is a JSON object.
type Versions struct {
	Items []Version `json:"items"`
}

// Webhook is a JSON object.
type Webhook struct {
	Name string `json:"name"`

	// One of github, gitlab, telegram, discord, standard, stripe, slack, shopify, linear, pagerduty, jira, hmac,
	// token.
	Rule string `json:"rule"`

	Connector *string `json:"connector"`

	// How far a delivery's time may be from the host's, in seconds.
	WindowS float64 `json:"window_s"`

	// Seconds since the Unix epoch.
	AddedAt float64 `json:"added_at"`

	// Where deliveries go.
	Path string `json:"path"`
}

// WebhookDeliveries is a JSON object.
type WebhookDeliveries struct {
	Items []WebhookDelivery `json:"items"`

	Next *string `json:"next"`
}

// WebhookDelivery is a JSON object.
type WebhookDelivery struct {
	ID string `json:"id"`

	Event string `json:"event"`

	Media string `json:"media"`

	// One of received, published.
	State string `json:"state"`

	Attempts int64 `json:"attempts"`

	// Seconds since the Unix epoch.
	ReceivedAt float64 `json:"received_at"`

	// Seconds since the Unix epoch.
	PublishedAt *float64 `json:"published_at"`
}

// WebhookDeliveryBody is a JSON object.
type WebhookDeliveryBody struct {
	ID string `json:"id"`

	Event string `json:"event"`

	Media string `json:"media"`

	// One of received, published.
	State string `json:"state"`

	Attempts int64 `json:"attempts"`

	// Seconds since the Unix epoch.
	ReceivedAt float64 `json:"received_at"`

	// Seconds since the Unix epoch.
	PublishedAt *float64 `json:"published_at"`

	// The body, where it is text.
	Text *string `json:"text"`

	// The body, where it is no text.
	Base64 *string `json:"base64"`

	BodyBytes int64 `json:"body_bytes"`
}

// WebhookOrder is a JSON object.
type WebhookOrder struct {
	Name string `json:"name"`

	// One of github, gitlab, telegram, discord, standard, stripe, slack, shopify, linear, pagerduty, jira, hmac,
	// token.
	Rule string `json:"rule"`

	Connector *string `json:"connector,omitempty"`

	// How far a delivery's time may be from the host's, in seconds.
	WindowS *float64 `json:"window_s,omitempty"`

	// A value, or a reference to one. It cannot be read back.
	Secret string `json:"secret"`
}

// Webhooks is a JSON object.
type Webhooks struct {
	Items []Webhook `json:"items"`
}

// Workflow is a JSON object.
type Workflow struct {
	// `name`, or `namespace.name` outside of `default`.
	ID string `json:"id"`

	Name string `json:"name"`

	Namespace string `json:"namespace"`

	Title string `json:"title"`

	Summary string `json:"summary"`

	// As its document says.
	Version string `json:"version"`

	// Counts the versions that were kept, from 1.
	Number int64 `json:"number"`

	// SHA-256 of the document; runs keep to it.
	Digest string `json:"digest"`

	Enabled bool `json:"enabled"`

	// Seconds since the Unix epoch.
	ChangedAt float64 `json:"changed_at"`

	ChangedBy string `json:"changed_by"`

	Triggers []WorkflowTrigger `json:"triggers"`

	// YAML or JSON, as it was written.
	Text string `json:"text"`

	// The definition as plain JSON values.
	Document map[string]any `json:"document"`

	// Of a text that was just kept: the number before it, where that has another text and the same `version`.
	// Runs that ask for this version begin the newest text of it.
	SameVersionAs *int64 `json:"same_version_as"`
}

// WorkflowChange is a JSON object.
type WorkflowChange struct {
	// YAML or JSON, as it was written.
	Text string `json:"text"`

	// The version that was edited; refused when it is stale.
	Digest *string `json:"digest,omitempty"`
}

// WorkflowChecked is a JSON object.
type WorkflowChecked struct {
	Valid bool `json:"valid"`

	Problems []WorkflowProblem `json:"problems"`

	// If readable.
	Document map[string]any `json:"document"`
}

// WorkflowDiff is a JSON object.
type WorkflowDiff struct {
	Changes []WorkflowDiffChangesItem `json:"changes"`
}

// WorkflowDiffChangesItem is a JSON object.
type WorkflowDiffChangesItem struct {
	// One of added, removed, changed, moved.
	Kind string `json:"kind"`

	// JSON pointer into the document.
	Path string `json:"path"`

	Before any `json:"before,omitempty"`

	After any `json:"after,omitempty"`
}

// WorkflowExamples is a JSON object.
type WorkflowExamples struct {
	Items []WorkflowExamplesItemsItem `json:"items"`
}

// WorkflowExamplesItemsItem is a JSON object.
type WorkflowExamplesItemsItem struct {
	Name string `json:"name"`

	Title string `json:"title"`

	Summary string `json:"summary"`

	// YAML or JSON, as it was written.
	Text string `json:"text"`
}

// WorkflowExecuted is a JSON object.
type WorkflowExecuted struct {
	Output any `json:"output"`

	// Id of the run.
	Run string `json:"run"`
}

// WorkflowExecution is a JSON object.
type WorkflowExecution struct {
	Input any `json:"input,omitempty"`
}

// WorkflowFault is a JSON object.
type WorkflowFault struct {
	// A URI.
	Type string `json:"type"`

	Status int64 `json:"status"`

	Title *string `json:"title,omitempty"`

	Detail *string `json:"detail,omitempty"`

	// The place where it came up.
	Instance string `json:"instance"`
}

// WorkflowLine is a JSON object.
type WorkflowLine struct {
	// `name`, or `namespace.name` outside of `default`.
	ID string `json:"id"`

	Name string `json:"name"`

	Namespace string `json:"namespace"`

	Title string `json:"title"`

	Summary string `json:"summary"`

	// As its document says.
	Version string `json:"version"`

	// Counts the versions that were kept, from 1.
	Number int64 `json:"number"`

	// SHA-256 of the document; runs keep to it.
	Digest string `json:"digest"`

	Enabled bool `json:"enabled"`

	// Seconds since the Unix epoch.
	ChangedAt float64 `json:"changed_at"`

	ChangedBy string `json:"changed_by"`

	Triggers []WorkflowTrigger `json:"triggers"`

	// The newest one.
	LastRun *WorkflowLineLastRun `json:"last_run"`
}

// WorkflowLineLastRun is a JSON object.
type WorkflowLineLastRun struct {
	ID string `json:"id"`

	// One of pending, running, waiting, suspended, completed, faulted, cancelled.
	Status string `json:"status"`

	// Seconds since the Unix epoch.
	At float64 `json:"at"`
}

// WorkflowPalette is a JSON object.
type WorkflowPalette struct {
	Plugins []WorkflowPalettePluginsItem `json:"plugins"`

	Connectors []WorkflowPaletteConnectorsItem `json:"connectors"`

	Host []WorkflowPaletteHostItem `json:"host"`
}

// WorkflowPaletteConnectorsItem is a JSON object.
type WorkflowPaletteConnectorsItem struct {
	Connector string `json:"connector"`

	Kind string `json:"kind"`

	Actions []WorkflowPaletteConnectorsItemActionsItem `json:"actions"`
}

// WorkflowPaletteConnectorsItemActionsItem is a JSON object.
type WorkflowPaletteConnectorsItemActionsItem struct {
	// What `call` names.
	Ref string `json:"ref"`

	Description string `json:"description"`

	// JSON Schema; null where none is known.
	Input map[string]any `json:"input"`
}

// WorkflowPaletteHostItem is a JSON object.
type WorkflowPaletteHostItem struct {
	// What `call` names.
	Ref string `json:"ref"`

	Description string `json:"description"`

	// JSON Schema; null where none is known.
	Input map[string]any `json:"input"`
}

// WorkflowPalettePluginsItem is a JSON object.
type WorkflowPalettePluginsItem struct {
	Plugin string `json:"plugin"`

	Title string `json:"title"`

	// As of the plugin; only an enabled one answers.
	State string `json:"state"`

	Functions []WorkflowPalettePluginsItemFunctionsItem `json:"functions"`
}

// WorkflowPalettePluginsItemFunctionsItem is a JSON object.
type WorkflowPalettePluginsItemFunctionsItem struct {
	// What `call` names.
	Ref string `json:"ref"`

	Description string `json:"description"`

	// JSON Schema; null where none is known.
	Input map[string]any `json:"input"`

	Title string `json:"title"`

	// JSON Schema; null where none is known.
	Output map[string]any `json:"output"`
}

// WorkflowProblem is a JSON object.
type WorkflowProblem struct {
	// JSON pointer into the document.
	Path string `json:"path"`

	// From 1; 0 when unknown.
	Line int64 `json:"line"`

	// From 1; 0 when unknown.
	Column int64 `json:"column"`

	Fact string `json:"fact"`

	Remedy string `json:"remedy"`

	// One of error, warning.
	Severity string `json:"severity"`
}

// WorkflowText is a JSON object.
type WorkflowText struct {
	// YAML or JSON, as it was written.
	Text string `json:"text"`
}

// WorkflowTrigger is a JSON object.
type WorkflowTrigger struct {
	Kind string `json:"kind"`

	// In words.
	About string `json:"about"`

	// Of schedules.
	NextAt *float64 `json:"next_at"`
}

// WorkflowVersion is a JSON object.
type WorkflowVersion struct {
	Workflow string `json:"workflow"`

	Number int64 `json:"number"`

	Digest string `json:"digest"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`

	CreatedBy string `json:"created_by"`

	// YAML or JSON, as it was written.
	Text string `json:"text"`

	// The definition as plain JSON values.
	Document map[string]any `json:"document"`
}

// WorkflowVersions is a JSON object.
type WorkflowVersions struct {
	Items []WorkflowVersionsItemsItem `json:"items"`
}

// WorkflowVersionsItemsItem is a JSON object.
type WorkflowVersionsItemsItem struct {
	Workflow string `json:"workflow"`

	Number int64 `json:"number"`

	Digest string `json:"digest"`

	// Seconds since the Unix epoch.
	CreatedAt float64 `json:"created_at"`

	CreatedBy string `json:"created_by"`
}

// Workflows is a JSON object.
type Workflows struct {
	Items []WorkflowLine `json:"items"`

	// Cursor, null at the end.
	Next *string `json:"next"`
}
