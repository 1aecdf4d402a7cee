// Code generated from specs/openapi.json. DO NOT EDIT.
// Made from specs/openapi.json by `python -m sdk.generate`; change the host's operations, not this file.

package omnicore

import (
	"context"
	"iter"
	"net/http"
)

// CallFunctionQuery has the options of CallFunction; what is nil is left out.
type CallFunctionQuery struct {
	// Seconds the call may take, instead of the plugin's own limit.
	TimeoutS *float64
}

func (q CallFunctionQuery) visit(add func(string, any)) {
	add("timeout_s", q.TimeoutS)
}

// CallFunction: calls a function: the body goes in, its output comes back: POST
// /api/v1/plugins/{plugin}/functions/{function}.
func (c *Client) CallFunction(ctx context.Context, plugin string, function string, body []byte, query CallFunctionQuery) ([]byte, error) {
	var answer []byte
	err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/plugins/" + escaped(plugin) + "/functions/" + escaped(function), query: query, body: body, media: "application/octet-stream"}, &answer)
	return answer, err
}

// ListPluginsQuery has the options of ListPlugins; what is nil is left out.
type ListPluginsQuery struct {
	// Plugins on a page.
	Limit *int64

	// `next` of the page before.
	Cursor *string

	// Only those in this state. One of enabled, needs-grant, needs-review, disabled, quarantined, rejected.
	State *string

	// Only those with it in name, file or reason.
	Q *string

	// true: also the number of all plugins in each state. One of true, false.
	Totals *string
}

func (q ListPluginsQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
	add("state", q.State)
	add("q", q.Q)
	add("totals", q.Totals)
}

// ListPlugins: lists plugins by name: GET /api/v1/plugins.
func (c *Client) ListPlugins(ctx context.Context, query ListPluginsQuery) (*Plugins, error) {
	answer := new(Plugins)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/plugins", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllPlugins goes through all pages of ListPlugins, asking for each as it is reached; the first error ends
// it.
func (c *Client) AllPlugins(ctx context.Context, query ListPluginsQuery) iter.Seq2[Plugin, error] {
	return func(yield func(Plugin, error) bool) {
		for {
			page, err := c.ListPlugins(ctx, query)
			if err != nil {
				var none Plugin
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// UploadPluginQuery has the options of UploadPlugin; what is nil is left out.
type UploadPluginQuery struct {
	// Name of the file when the body is the bare module.
	Filename *string

	// true: the version that serves goes on until this one is approved or gets a share of the calls. One of
	// true, false.
	Hold *string
}

func (q UploadPluginQuery) visit(add func(string, any)) {
	add("filename", q.Filename)
	add("hold", q.Hold)
}

// UploadPlugin: adds or replaces a plugin's file: POST /api/v1/plugins. It is repeated safely: the client
// sends an Idempotency-Key.
func (c *Client) UploadPlugin(ctx context.Context, body []byte, query UploadPluginQuery) (*Plugin, error) {
	answer := new(Plugin)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/plugins", query: query, body: body, media: "application/wasm", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowPlugin: shows a plugin: GET /api/v1/plugins/{plugin}.
func (c *Client) ShowPlugin(ctx context.Context, plugin string) (*Plugin, error) {
	answer := new(Plugin)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/plugins/" + escaped(plugin)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RemovePlugin: removes a plugin: DELETE /api/v1/plugins/{plugin}.
func (c *Client) RemovePlugin(ctx context.Context, plugin string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/plugins/" + escaped(plugin), keyed: true}, nil)
}

// SwitchPlugin: switches a plugin: PUT /api/v1/plugins/{plugin}/state.
func (c *Client) SwitchPlugin(ctx context.Context, plugin string, body Switch) (*Plugin, error) {
	answer := new(Plugin)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/plugins/" + escaped(plugin) + "/state", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// DiffPlugin: shows what is not granted: GET /api/v1/plugins/{plugin}/diff.
func (c *Client) DiffPlugin(ctx context.Context, plugin string) (*Changes, error) {
	answer := new(Changes)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/plugins/" + escaped(plugin) + "/diff"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListVersions: lists the versions that are kept: GET /api/v1/plugins/{plugin}/versions.
func (c *Client) ListVersions(ctx context.Context, plugin string) (*Versions, error) {
	answer := new(Versions)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/plugins/" + escaped(plugin) + "/versions"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RollBack: goes back to an earlier version: POST /api/v1/plugins/{plugin}/rollback. It is repeated safely:
// the client sends an Idempotency-Key.
func (c *Client) RollBack(ctx context.Context, plugin string, body RollbackOrder) (*Plugin, error) {
	answer := new(Plugin)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/plugins/" + escaped(plugin) + "/rollback", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// DivideCalls: divides calls among versions: PUT /api/v1/plugins/{plugin}/shares.
func (c *Client) DivideCalls(ctx context.Context, plugin string, body SharesOrder) (*Plugin, error) {
	answer := new(Plugin)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/plugins/" + escaped(plugin) + "/shares", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// PlacePlugin: places a plugin on hosts with some labels: PUT /api/v1/plugins/{plugin}/placement.
func (c *Client) PlacePlugin(ctx context.Context, plugin string, body PlacementOrder) (*Plugin, error) {
	answer := new(Plugin)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/plugins/" + escaped(plugin) + "/placement", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowCallLimit: shows the limits on a plugin's calls: GET /api/v1/plugins/{plugin}/limit.
func (c *Client) ShowCallLimit(ctx context.Context, plugin string) (*CallLimitView, error) {
	answer := new(CallLimitView)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/plugins/" + escaped(plugin) + "/limit"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// SetCallLimit: limits a plugin's calls on all hosts: PUT /api/v1/plugins/{plugin}/limit.
func (c *Client) SetCallLimit(ctx context.Context, plugin string, body CallLimitOrder) (*CallLimitView, error) {
	answer := new(CallLimitView)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/plugins/" + escaped(plugin) + "/limit", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListRollouts: lists rollouts under way: GET /api/v1/rollouts.
func (c *Client) ListRollouts(ctx context.Context) (*RolloutList, error) {
	answer := new(RolloutList)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/rollouts"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowRollout: shows how a rollout goes on: GET /api/v1/plugins/{plugin}/rollout.
func (c *Client) ShowRollout(ctx context.Context, plugin string) (*RolloutProgress, error) {
	answer := new(RolloutProgress)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/plugins/" + escaped(plugin) + "/rollout"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// BeginRollout: gives a version the calls step by step: POST /api/v1/plugins/{plugin}/rollout. It is repeated
// safely: the client sends an Idempotency-Key.
func (c *Client) BeginRollout(ctx context.Context, plugin string, body RolloutOrder) (*Rollout, error) {
	answer := new(Rollout)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/plugins/" + escaped(plugin) + "/rollout", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// StopRollout: gives all calls to the version before: POST /api/v1/plugins/{plugin}/rollout/stop. It is
// repeated safely: the client sends an Idempotency-Key.
func (c *Client) StopRollout(ctx context.Context, plugin string) (*Rollout, error) {
	answer := new(Rollout)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/plugins/" + escaped(plugin) + "/rollout/stop", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// PauseRollout: leaves a rollout at its share: POST /api/v1/plugins/{plugin}/rollout/pause. It is repeated
// safely: the client sends an Idempotency-Key.
func (c *Client) PauseRollout(ctx context.Context, plugin string) (*Rollout, error) {
	answer := new(Rollout)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/plugins/" + escaped(plugin) + "/rollout/pause", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ResumeRollout: carries on a paused rollout: POST /api/v1/plugins/{plugin}/rollout/resume. It is repeated
// safely: the client sends an Idempotency-Key.
func (c *Client) ResumeRollout(ctx context.Context, plugin string) (*Rollout, error) {
	answer := new(Rollout)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/plugins/" + escaped(plugin) + "/rollout/resume", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// PromoteRollout: gives the new version all calls: POST /api/v1/plugins/{plugin}/rollout/promote. It is
// repeated safely: the client sends an Idempotency-Key.
func (c *Client) PromoteRollout(ctx context.Context, plugin string) (*Rollout, error) {
	answer := new(Rollout)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/plugins/" + escaped(plugin) + "/rollout/promote", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListPluginHosts: shows which hosts have what of a plugin: GET /api/v1/plugins/{plugin}/hosts.
func (c *Client) ListPluginHosts(ctx context.Context, plugin string) (*PluginHosts, error) {
	answer := new(PluginHosts)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/plugins/" + escaped(plugin) + "/hosts"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowUpgrade: shows what a newer version changes: GET /api/v1/plugins/{plugin}/upgrade.
func (c *Client) ShowUpgrade(ctx context.Context, plugin string) (*Upgrade, error) {
	answer := new(Upgrade)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/plugins/" + escaped(plugin) + "/upgrade"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// DecideUpgrade: approves a newer version or not: POST /api/v1/plugins/{plugin}/upgrade. It is repeated
// safely: the client sends an Idempotency-Key.
func (c *Client) DecideUpgrade(ctx context.Context, plugin string, body UpgradeOrder) (*Plugin, error) {
	answer := new(Plugin)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/plugins/" + escaped(plugin) + "/upgrade", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowPluginConfig: shows a plugin's settings: GET /api/v1/plugins/{plugin}/config.
func (c *Client) ShowPluginConfig(ctx context.Context, plugin string) (*PluginConfig, error) {
	answer := new(PluginConfig)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/plugins/" + escaped(plugin) + "/config"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// SetPluginConfig: stores a plugin's settings: PUT /api/v1/plugins/{plugin}/config.
func (c *Client) SetPluginConfig(ctx context.Context, plugin string, body PluginConfigOrder) (*PluginConfig, error) {
	answer := new(PluginConfig)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/plugins/" + escaped(plugin) + "/config", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowPluginStatus: shows how a plugin fares: GET /api/v1/plugins/{plugin}/status.
func (c *Client) ShowPluginStatus(ctx context.Context, plugin string) (*PluginStatus, error) {
	answer := new(PluginStatus)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/plugins/" + escaped(plugin) + "/status"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListGrants: shows grants: GET /api/v1/plugins/{plugin}/grants.
func (c *Client) ListGrants(ctx context.Context, plugin string) (*Grants, error) {
	answer := new(Grants)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/plugins/" + escaped(plugin) + "/grants"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// GiveGrant: grants a capability: POST /api/v1/plugins/{plugin}/grants. It is repeated safely: the client
// sends an Idempotency-Key.
func (c *Client) GiveGrant(ctx context.Context, plugin string, body GrantOrder) (*Grants, error) {
	answer := new(Grants)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/plugins/" + escaped(plugin) + "/grants", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// TakeGrant: takes a grant back: DELETE /api/v1/plugins/{plugin}/grants/{capability}.
func (c *Client) TakeGrant(ctx context.Context, plugin string, capability string) (*Grants, error) {
	answer := new(Grants)
	if err := c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/plugins/" + escaped(plugin) + "/grants/" + escaped(capability), keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListPackages: lists the packages that plugins came from: GET /api/v1/packages.
func (c *Client) ListPackages(ctx context.Context) (*PluginOrigins, error) {
	answer := new(PluginOrigins)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/packages"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// InstallPackageQuery has the options of InstallPackage; what is nil is left out.
type InstallPackageQuery struct {
	// Name of the file when the body is one.
	Name *string

	// Of that package.
	Digest *string

	// As in an InstallOrder. One of true, false.
	Hold *string

	// As in an InstallOrder. One of true, false.
	AcceptPublisher *string
}

func (q InstallPackageQuery) visit(add func(string, any)) {
	add("name", q.Name)
	add("digest", q.Digest)
	add("hold", q.Hold)
	add("accept_publisher", q.AcceptPublisher)
}

// InstallPackage: installs the package that was looked at: POST /api/v1/packages. It is repeated safely: the
// client sends an Idempotency-Key.
func (c *Client) InstallPackage(ctx context.Context, body InstallOrder, query InstallPackageQuery) (*Plugin, error) {
	answer := new(Plugin)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/packages", query: query, body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListOutdated: asks the sources of plugins for newer versions: GET /api/v1/packages/outdated.
func (c *Client) ListOutdated(ctx context.Context) (*OutdatedPlugins, error) {
	answer := new(OutdatedPlugins)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/packages/outdated"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// LookAtPackageQuery has the options of LookAtPackage; what is nil is left out.
type LookAtPackageQuery struct {
	// Name of the file when the body is one.
	Name *string
}

func (q LookAtPackageQuery) visit(add func(string, any)) {
	add("name", q.Name)
}

// LookAtPackage: shows what a package would bring: POST /api/v1/packages/look.
func (c *Client) LookAtPackage(ctx context.Context, body LookOrder, query LookAtPackageQuery) (*PackageLook, error) {
	answer := new(PackageLook)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/packages/look", query: query, body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// SearchGalleryQuery has the options of SearchGallery; what is nil is left out.
type SearchGalleryQuery struct {
	// Words that all are in what a plugin says of itself.
	Q *string

	// Plugins on a page.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q SearchGalleryQuery) visit(add func(string, any)) {
	add("q", q.Q)
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// SearchGallery: searches the plugins of the owner's indexes: GET /api/v1/gallery.
func (c *Client) SearchGallery(ctx context.Context, query SearchGalleryQuery) (*GalleryPage, error) {
	answer := new(GalleryPage)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/gallery", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllSearchGallery goes through all pages of SearchGallery, asking for each as it is reached; the first error
// ends it.
func (c *Client) AllSearchGallery(ctx context.Context, query SearchGalleryQuery) iter.Seq2[GalleryEntry, error] {
	return func(yield func(GalleryEntry, error) bool) {
		for {
			page, err := c.SearchGallery(ctx, query)
			if err != nil {
				var none GalleryEntry
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// ShowGalleryPlugin: shows a plugin of the owner's indexes: GET /api/v1/gallery/{package}.
func (c *Client) ShowGalleryPlugin(ctx context.Context, package_ string) (*GalleryPlugin, error) {
	answer := new(GalleryPlugin)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/gallery/" + escaped(package_)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowGalleryIcon: shows the icon of a plugin of the indexes: GET /api/v1/gallery/{package}/icon.
func (c *Client) ShowGalleryIcon(ctx context.Context, package_ string) ([]byte, error) {
	var answer []byte
	err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/gallery/" + escaped(package_) + "/icon"}, &answer)
	return answer, err
}

// ShowLogsQuery has the options of ShowLogs; what is nil is left out.
type ShowLogsQuery struct {
	// How many lines.
	Limit *int64

	// `next` of the answer before.
	After *int64

	// The lowest level shown. One of trace, debug, info, warn, error.
	Level *string
}

func (q ShowLogsQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("after", q.After)
	add("level", q.Level)
}

// ShowLogs: shows a plugin's last log lines: GET /api/v1/plugins/{plugin}/logs.
func (c *Client) ShowLogs(ctx context.Context, plugin string, query ShowLogsQuery) (*LogLines, error) {
	answer := new(LogLines)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/plugins/" + escaped(plugin) + "/logs", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListTasksQuery has the options of ListTasks; what is nil is left out.
type ListTasksQuery struct {
	// Only these; failed ones are the dead letters. One of waiting, running, done, failed, cancelled.
	State *string

	// Only those of a plugin, `@host` or `@schedules`.
	Owner *string

	// Only those with this label.
	Label *string

	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListTasksQuery) visit(add func(string, any)) {
	add("state", q.State)
	add("owner", q.Owner)
	add("label", q.Label)
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListTasks: lists tasks, newest first: GET /api/v1/tasks.
func (c *Client) ListTasks(ctx context.Context, query ListTasksQuery) (*Tasks, error) {
	answer := new(Tasks)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/tasks", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllTasks goes through all pages of ListTasks, asking for each as it is reached; the first error ends it.
func (c *Client) AllTasks(ctx context.Context, query ListTasksQuery) iter.Seq2[Task, error] {
	return func(yield func(Task, error) bool) {
		for {
			page, err := c.ListTasks(ctx, query)
			if err != nil {
				var none Task
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// SubmitTask: orders a task: POST /api/v1/tasks. It is repeated safely: the client sends an Idempotency-Key.
func (c *Client) SubmitTask(ctx context.Context, body TaskOrder) (*Task, error) {
	answer := new(Task)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/tasks", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowTask: shows a task: GET /api/v1/tasks/{task}.
func (c *Client) ShowTask(ctx context.Context, task string) (*Task, error) {
	answer := new(Task)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/tasks/" + escaped(task)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// CancelTask: cancels a task: POST /api/v1/tasks/{task}/cancel. It is repeated safely: the client sends an
// Idempotency-Key.
func (c *Client) CancelTask(ctx context.Context, task string) (*TaskCancelled, error) {
	answer := new(TaskCancelled)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/tasks/" + escaped(task) + "/cancel", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RetryTask: begins a failed task again: POST /api/v1/tasks/{task}/retry. It is repeated safely: the client
// sends an Idempotency-Key.
func (c *Client) RetryTask(ctx context.Context, task string) (*Task, error) {
	answer := new(Task)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/tasks/" + escaped(task) + "/retry", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RetryDeadTasks: begins failed tasks again: POST /api/v1/tasks/retry.
func (c *Client) RetryDeadTasks(ctx context.Context, body TasksRetry) (*TasksRetried, error) {
	answer := new(TasksRetried)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/tasks/retry", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListQueues: shows the queues of tasks: GET /api/v1/queues.
func (c *Client) ListQueues(ctx context.Context) (*Queues, error) {
	answer := new(Queues)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/queues"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListSchedulesQuery has the options of ListSchedules; what is nil is left out.
type ListSchedulesQuery struct {
	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListSchedulesQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListSchedules: lists schedules: GET /api/v1/schedules.
func (c *Client) ListSchedules(ctx context.Context, query ListSchedulesQuery) (*Schedules, error) {
	answer := new(Schedules)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/schedules", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllSchedules goes through all pages of ListSchedules, asking for each as it is reached; the first error
// ends it.
func (c *Client) AllSchedules(ctx context.Context, query ListSchedulesQuery) iter.Seq2[Schedule, error] {
	return func(yield func(Schedule, error) bool) {
		for {
			page, err := c.ListSchedules(ctx, query)
			if err != nil {
				var none Schedule
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// AddSchedule: adds a schedule: POST /api/v1/schedules. It is repeated safely: the client sends an
// Idempotency-Key.
func (c *Client) AddSchedule(ctx context.Context, body ScheduleOrder) (*Schedule, error) {
	answer := new(Schedule)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/schedules", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowSchedule: shows a schedule: GET /api/v1/schedules/{schedule}.
func (c *Client) ShowSchedule(ctx context.Context, schedule string) (*Schedule, error) {
	answer := new(Schedule)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/schedules/" + escaped(schedule)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// SwitchSchedule: switches a schedule on or off: PUT /api/v1/schedules/{schedule}.
func (c *Client) SwitchSchedule(ctx context.Context, schedule string, body ScheduleSwitch) (*Schedule, error) {
	answer := new(Schedule)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/schedules/" + escaped(schedule), body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RemoveSchedule: removes a schedule: DELETE /api/v1/schedules/{schedule}.
func (c *Client) RemoveSchedule(ctx context.Context, schedule string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/schedules/" + escaped(schedule), keyed: true}, nil)
}

// ShowNextTicksQuery has the options of ShowNextTicks; what is nil is left out.
type ShowNextTicksQuery struct {
	// How many; default 5.
	Limit *int64
}

func (q ShowNextTicksQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
}

// ShowNextTicks: shows when a schedule runs next: GET /api/v1/schedules/{schedule}/ticks.
func (c *Client) ShowNextTicks(ctx context.Context, schedule string, query ShowNextTicksQuery) (*Ticks, error) {
	answer := new(Ticks)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/schedules/" + escaped(schedule) + "/ticks", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// PreviewTicksQuery has the options of PreviewTicks; what is nil is left out.
type PreviewTicksQuery struct {
	// Kind of schedule; default cron. One of cron, interval, once.
	Kind *string

	// A cron expression, seconds, or a date.
	Spec *string

	// What it is read in; default UTC.
	Timezone *string

	// How many; default 5.
	Limit *int64
}

func (q PreviewTicksQuery) visit(add func(string, any)) {
	add("kind", q.Kind)
	add("spec", q.Spec)
	add("timezone", q.Timezone)
	add("limit", q.Limit)
}

// PreviewTicks: shows when a schedule would run: GET /api/v1/ticks.
func (c *Client) PreviewTicks(ctx context.Context, query PreviewTicksQuery) (*Ticks, error) {
	answer := new(Ticks)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/ticks", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ValidateWorkflow: checks a text: POST /api/v1/workflows/validate.
func (c *Client) ValidateWorkflow(ctx context.Context, body WorkflowText) (*WorkflowChecked, error) {
	answer := new(WorkflowChecked)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/workflows/validate", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowPalette: shows what workflows may call: GET /api/v1/workflows/palette.
func (c *Client) ShowPalette(ctx context.Context) (*WorkflowPalette, error) {
	answer := new(WorkflowPalette)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/workflows/palette"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowExamples: shows workflows to begin from: GET /api/v1/workflows/examples.
func (c *Client) ShowExamples(ctx context.Context) (*WorkflowExamples, error) {
	answer := new(WorkflowExamples)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/workflows/examples"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// EvaluateExpression: evaluates jq: POST /api/v1/workflows/evaluate.
func (c *Client) EvaluateExpression(ctx context.Context, body ExpressionOrder) (*ExpressionValue, error) {
	answer := new(ExpressionValue)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/workflows/evaluate", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListWorkflowsQuery has the options of ListWorkflows; what is nil is left out.
type ListWorkflowsQuery struct {
	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string

	// Part of a name or a title.
	Q *string
}

func (q ListWorkflowsQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
	add("q", q.Q)
}

// ListWorkflows: lists workflows: GET /api/v1/workflows.
func (c *Client) ListWorkflows(ctx context.Context, query ListWorkflowsQuery) (*Workflows, error) {
	answer := new(Workflows)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/workflows", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllWorkflows goes through all pages of ListWorkflows, asking for each as it is reached; the first error
// ends it.
func (c *Client) AllWorkflows(ctx context.Context, query ListWorkflowsQuery) iter.Seq2[WorkflowLine, error] {
	return func(yield func(WorkflowLine, error) bool) {
		for {
			page, err := c.ListWorkflows(ctx, query)
			if err != nil {
				var none WorkflowLine
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// AddWorkflow: adds a workflow: POST /api/v1/workflows. It is repeated safely: the client sends an
// Idempotency-Key.
func (c *Client) AddWorkflow(ctx context.Context, body WorkflowText) (*Workflow, error) {
	answer := new(Workflow)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/workflows", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowWorkflowQuery has the options of ShowWorkflow; what is nil is left out.
type ShowWorkflowQuery struct {
	// An earlier version.
	Number *int64
}

func (q ShowWorkflowQuery) visit(add func(string, any)) {
	add("number", q.Number)
}

// ShowWorkflow: shows a workflow: GET /api/v1/workflows/{workflow}.
func (c *Client) ShowWorkflow(ctx context.Context, workflow string, query ShowWorkflowQuery) (*Workflow, error) {
	answer := new(Workflow)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/workflows/" + escaped(workflow), query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ChangeWorkflow: keeps another version of a workflow: PUT /api/v1/workflows/{workflow}.
func (c *Client) ChangeWorkflow(ctx context.Context, workflow string, body WorkflowChange) (*Workflow, error) {
	answer := new(Workflow)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/workflows/" + escaped(workflow), body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RemoveWorkflow: removes a workflow; its runs stay: DELETE /api/v1/workflows/{workflow}.
func (c *Client) RemoveWorkflow(ctx context.Context, workflow string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/workflows/" + escaped(workflow), keyed: true}, nil)
}

// EnableWorkflow: lets a workflow be started: POST /api/v1/workflows/{workflow}/enable. It is repeated
// safely: the client sends an Idempotency-Key.
func (c *Client) EnableWorkflow(ctx context.Context, workflow string) (*Workflow, error) {
	answer := new(Workflow)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/workflows/" + escaped(workflow) + "/enable", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// DisableWorkflow: keeps a workflow from being started: POST /api/v1/workflows/{workflow}/disable. It is
// repeated safely: the client sends an Idempotency-Key.
func (c *Client) DisableWorkflow(ctx context.Context, workflow string) (*Workflow, error) {
	answer := new(Workflow)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/workflows/" + escaped(workflow) + "/disable", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListWorkflowVersions: lists a workflow's versions: GET /api/v1/workflows/{workflow}/versions.
func (c *Client) ListWorkflowVersions(ctx context.Context, workflow string) (*WorkflowVersions, error) {
	answer := new(WorkflowVersions)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/workflows/" + escaped(workflow) + "/versions"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowWorkflowVersion: shows a version: GET /api/v1/workflows/{workflow}/versions/{number}.
func (c *Client) ShowWorkflowVersion(ctx context.Context, workflow string, number string) (*WorkflowVersion, error) {
	answer := new(WorkflowVersion)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/workflows/" + escaped(workflow) + "/versions/" + escaped(number)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// DiffWorkflowQuery has the options of DiffWorkflow; what is nil is left out.
type DiffWorkflowQuery struct {
	// Number of the earlier version; needed.
	From *int64

	// Number of the later version; needed.
	To *int64
}

func (q DiffWorkflowQuery) visit(add func(string, any)) {
	add("from", q.From)
	add("to", q.To)
}

// DiffWorkflow: shows what changed between two versions: GET /api/v1/workflows/{workflow}/diff.
func (c *Client) DiffWorkflow(ctx context.Context, workflow string, query DiffWorkflowQuery) (*WorkflowDiff, error) {
	answer := new(WorkflowDiff)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/workflows/" + escaped(workflow) + "/diff", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListDrafts: lists your drafts of workflows: GET /api/v1/drafts.
func (c *Client) ListDrafts(ctx context.Context) (*Drafts, error) {
	answer := new(Drafts)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/drafts"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowDraft: shows your draft of a workflow: GET /api/v1/drafts/{draft}.
func (c *Client) ShowDraft(ctx context.Context, draft string) (*DraftShown, error) {
	answer := new(DraftShown)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/drafts/" + escaped(draft)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// KeepDraft: keeps your draft of a workflow: PUT /api/v1/drafts/{draft}.
func (c *Client) KeepDraft(ctx context.Context, draft string, body DraftChange) (*DraftLine, error) {
	answer := new(DraftLine)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/drafts/" + escaped(draft), body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// DiscardDraftQuery has the options of DiscardDraft; what is nil is left out.
type DiscardDraftQuery struct {
	// Only if it has this one.
	Revision *string
}

func (q DiscardDraftQuery) visit(add func(string, any)) {
	add("revision", q.Revision)
}

// DiscardDraft: discards your draft of a workflow: DELETE /api/v1/drafts/{draft}.
func (c *Client) DiscardDraft(ctx context.Context, draft string, query DiscardDraftQuery) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/drafts/" + escaped(draft), query: query}, nil)
}

// ListPins: lists outputs pinned to steps for trials: GET /api/v1/workflows/{workflow}/pins.
func (c *Client) ListPins(ctx context.Context, workflow string) (*Pins, error) {
	answer := new(Pins)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/workflows/" + escaped(workflow) + "/pins"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// KeepPin: pins an output to a step for trials: PUT /api/v1/workflows/{workflow}/pins.
func (c *Client) KeepPin(ctx context.Context, workflow string, body PinChange) (*Pin, error) {
	answer := new(Pin)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/workflows/" + escaped(workflow) + "/pins", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RemovePinQuery has the options of RemovePin; what is nil is left out.
type RemovePinQuery struct {
	// Name of the step; needed.
	Step *string
}

func (q RemovePinQuery) visit(add func(string, any)) {
	add("step", q.Step)
}

// RemovePin: takes a pinned output away: DELETE /api/v1/workflows/{workflow}/pins.
func (c *Client) RemovePin(ctx context.Context, workflow string, query RemovePinQuery) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/workflows/" + escaped(workflow) + "/pins", query: query}, nil)
}

// StartRun: starts a run: POST /api/v1/workflows/{workflow}/runs. It is repeated safely: the client sends an
// Idempotency-Key.
func (c *Client) StartRun(ctx context.Context, workflow string, body RunOrder) (*Run, error) {
	answer := new(Run)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/workflows/" + escaped(workflow) + "/runs", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// StartTrial: runs a text that is not applied: POST /api/v1/workflows/{workflow}/trial. It is repeated
// safely: the client sends an Idempotency-Key.
func (c *Client) StartTrial(ctx context.Context, workflow string, body TrialOrder) (*Run, error) {
	answer := new(Run)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/workflows/" + escaped(workflow) + "/trial", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListRunsQuery has the options of ListRuns; what is nil is left out.
type ListRunsQuery struct {
	// Only those of a workflow.
	Workflow *string

	// Only these; faulted ones are the dead letters. One of pending, running, waiting, suspended, completed,
	// faulted, cancelled.
	Status *string

	// Only those with this label.
	Label *string

	// Only those begun by this one: a user's name, or all of `by`.
	Owner *string

	// Only those begun at this time or later, in Unix seconds.
	Since *float64

	// Only those begun before this time, in Unix seconds.
	Until *float64

	// Only those with this text in their input.
	Q *string

	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListRunsQuery) visit(add func(string, any)) {
	add("workflow", q.Workflow)
	add("status", q.Status)
	add("label", q.Label)
	add("owner", q.Owner)
	add("since", q.Since)
	add("until", q.Until)
	add("q", q.Q)
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListRuns: lists runs, newest first: GET /api/v1/runs.
func (c *Client) ListRuns(ctx context.Context, query ListRunsQuery) (*Runs, error) {
	answer := new(Runs)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/runs", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllRuns goes through all pages of ListRuns, asking for each as it is reached; the first error ends it.
func (c *Client) AllRuns(ctx context.Context, query ListRunsQuery) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		for {
			page, err := c.ListRuns(ctx, query)
			if err != nil {
				var none Run
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// ShowRun: shows a run: GET /api/v1/runs/{run}.
func (c *Client) ShowRun(ctx context.Context, run string) (*Run, error) {
	answer := new(Run)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/runs/" + escaped(run)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListStepsQuery has the options of ListSteps; what is nil is left out.
type ListStepsQuery struct {
	// The row to go on after.
	After *int64

	// How many.
	Limit *int64
}

func (q ListStepsQuery) visit(add func(string, any)) {
	add("after", q.After)
	add("limit", q.Limit)
}

// ListSteps: lists the rows of a run's journal: GET /api/v1/runs/{run}/steps.
func (c *Client) ListSteps(ctx context.Context, run string, query ListStepsQuery) (*RunSteps, error) {
	answer := new(RunSteps)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/runs/" + escaped(run) + "/steps", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowStep: shows a row of a run's journal in full: GET /api/v1/runs/{run}/steps/{seq}.
func (c *Client) ShowStep(ctx context.Context, run string, seq string) (*RunStep, error) {
	answer := new(RunStep)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/runs/" + escaped(run) + "/steps/" + escaped(seq)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowTimelineQuery has the options of ShowTimeline; what is nil is left out.
type ShowTimelineQuery struct {
	// Only of rows behind this one.
	After *int64

	// Rows.
	Limit *int64
}

func (q ShowTimelineQuery) visit(add func(string, any)) {
	add("after", q.After)
	add("limit", q.Limit)
}

// ShowTimeline: shows a run as spans, down to calls of the host: GET /api/v1/runs/{run}/timeline.
func (c *Client) ShowTimeline(ctx context.Context, run string, query ShowTimelineQuery) (*RunTimeline, error) {
	answer := new(RunTimeline)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/runs/" + escaped(run) + "/timeline", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// CompareRunsQuery has the options of CompareRuns; what is nil is left out.
type CompareRunsQuery struct {
	// The other run.
	Other *string
}

func (q CompareRunsQuery) visit(add func(string, any)) {
	add("other", q.Other)
}

// CompareRuns: compares two runs of a workflow, step by step: GET /api/v1/runs/{run}/comparison.
func (c *Client) CompareRuns(ctx context.Context, run string, query CompareRunsQuery) (*RunComparison, error) {
	answer := new(RunComparison)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/runs/" + escaped(run) + "/comparison", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowOpen: shows what a run does or waits for: GET /api/v1/runs/{run}/open.
func (c *Client) ShowOpen(ctx context.Context, run string) (*RunOpen, error) {
	answer := new(RunOpen)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/runs/" + escaped(run) + "/open"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// VerifyRun: checks the hashes of a run's rows: GET /api/v1/runs/{run}/audit.
func (c *Client) VerifyRun(ctx context.Context, run string) (*RunAudit, error) {
	answer := new(RunAudit)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/runs/" + escaped(run) + "/audit"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// CancelRun: cancels a run: POST /api/v1/runs/{run}/cancel. It is repeated safely: the client sends an
// Idempotency-Key.
func (c *Client) CancelRun(ctx context.Context, run string) (*Run, error) {
	answer := new(Run)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/runs/" + escaped(run) + "/cancel", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// SuspendRun: lets a run rest: POST /api/v1/runs/{run}/suspend. It is repeated safely: the client sends an
// Idempotency-Key.
func (c *Client) SuspendRun(ctx context.Context, run string) (*Run, error) {
	answer := new(Run)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/runs/" + escaped(run) + "/suspend", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ResumeRun: lets a run go on that rests: POST /api/v1/runs/{run}/resume. It is repeated safely: the client
// sends an Idempotency-Key.
func (c *Client) ResumeRun(ctx context.Context, run string) (*Run, error) {
	answer := new(Run)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/runs/" + escaped(run) + "/resume", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// PlanRetryQuery has the options of PlanRetry; what is nil is left out.
type PlanRetryQuery struct {
	// The version that goes on.
	Version *int64

	// Where it goes on.
	Place *string
}

func (q PlanRetryQuery) visit(add func(string, any)) {
	add("version", q.Version)
	add("place", q.Place)
}

// PlanRetry: shows what a retry would keep and what it would do again: GET /api/v1/runs/{run}/retry.
func (c *Client) PlanRetry(ctx context.Context, run string, query PlanRetryQuery) (*RetryPlan, error) {
	answer := new(RetryPlan)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/runs/" + escaped(run) + "/retry", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RetryRun: goes on where a run failed or was cut, as a new run: POST /api/v1/runs/{run}/retry. It is
// repeated safely: the client sends an Idempotency-Key.
func (c *Client) RetryRun(ctx context.Context, run string, body RunRetry) (*Run, error) {
	answer := new(Run)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/runs/" + escaped(run) + "/retry", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ForkRun: goes on behind a row of a run, as a new run: POST /api/v1/runs/{run}/fork. It is repeated safely:
// the client sends an Idempotency-Key.
func (c *Client) ForkRun(ctx context.Context, run string, body RunFork) (*Run, error) {
	answer := new(Run)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/runs/" + escaped(run) + "/fork", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListApprovalsQuery has the options of ListApprovals; what is nil is left out.
type ListApprovalsQuery struct {
	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string

	// Those of one run.
	Run *string
}

func (q ListApprovalsQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
	add("run", q.Run)
}

// ListApprovals: lists decisions that are waited for: GET /api/v1/approvals.
func (c *Client) ListApprovals(ctx context.Context, query ListApprovalsQuery) (*Approvals, error) {
	answer := new(Approvals)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/approvals", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllApprovals goes through all pages of ListApprovals, asking for each as it is reached; the first error
// ends it.
func (c *Client) AllApprovals(ctx context.Context, query ListApprovalsQuery) iter.Seq2[Approval, error] {
	return func(yield func(Approval, error) bool) {
		for {
			page, err := c.ListApprovals(ctx, query)
			if err != nil {
				var none Approval
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// Decide: takes a decision that a run waits for: POST /api/v1/runs/{run}/approvals. It is repeated safely:
// the client sends an Idempotency-Key.
func (c *Client) Decide(ctx context.Context, run string, body Decision) error {
	return c.do(ctx, request{method: http.MethodPost, path: "/api/v1/runs/" + escaped(run) + "/approvals", body: body, media: "application/json", keyed: true}, nil)
}

// ListMemoriesQuery has the options of ListMemories; what is nil is left out.
type ListMemoriesQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string

	// Only this tier; without, all that is kept for the owner alone. One of immediate, short_term, session,
	// episodic, semantic, procedural, strategic, civilizational, evolutionary, planetary, galactic, cosmic.
	Tier *string

	// Only of this user.
	User *string

	// Only of this agent.
	Agent *string

	// Only of this session.
	Session *string

	// Only of this app.
	App *string

	// What the metadata must fulfil: a JSON object such as `{"year": {"$gte": 2020}}`.
	Filter *string

	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListMemoriesQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
	add("tier", q.Tier)
	add("user", q.User)
	add("agent", q.Agent)
	add("session", q.Session)
	add("app", q.App)
	add("filter", q.Filter)
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListMemories: lists memories, the newest first: GET /api/v1/memory.
func (c *Client) ListMemories(ctx context.Context, query ListMemoriesQuery) (*Memories, error) {
	answer := new(Memories)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/memory", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllMemories goes through all pages of ListMemories, asking for each as it is reached; the first error ends
// it.
func (c *Client) AllMemories(ctx context.Context, query ListMemoriesQuery) iter.Seq2[Memory, error] {
	return func(yield func(Memory, error) bool) {
		for {
			page, err := c.ListMemories(ctx, query)
			if err != nil {
				var none Memory
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// StoreMemoryQuery has the options of StoreMemory; what is nil is left out.
type StoreMemoryQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string
}

func (q StoreMemoryQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// StoreMemory: remembers a text: POST /api/v1/memory. It is repeated safely: the client sends an Idempotency-
// Key.
func (c *Client) StoreMemory(ctx context.Context, body MemoryOrder, query StoreMemoryQuery) (*Memory, error) {
	answer := new(Memory)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/memory", query: query, body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListMemoryOwnersQuery has the options of ListMemoryOwners; what is nil is left out.
type ListMemoryOwnersQuery struct {
	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListMemoryOwnersQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListMemoryOwners: lists who has memories: GET /api/v1/memory/owners.
func (c *Client) ListMemoryOwners(ctx context.Context, query ListMemoryOwnersQuery) (*MemoryOwners, error) {
	answer := new(MemoryOwners)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/memory/owners", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllMemoryOwners goes through all pages of ListMemoryOwners, asking for each as it is reached; the first
// error ends it.
func (c *Client) AllMemoryOwners(ctx context.Context, query ListMemoryOwnersQuery) iter.Seq2[MemoryOwner, error] {
	return func(yield func(MemoryOwner, error) bool) {
		for {
			page, err := c.ListMemoryOwners(ctx, query)
			if err != nil {
				var none MemoryOwner
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// MemoryStatsQuery has the options of MemoryStats; what is nil is left out.
type MemoryStatsQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string
}

func (q MemoryStatsQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// MemoryStats: shows how much is remembered: GET /api/v1/memory/stats.
func (c *Client) MemoryStats(ctx context.Context, query MemoryStatsQuery) (*MemoryStats, error) {
	answer := new(MemoryStats)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/memory/stats", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// MemoryTiers: lists the twelve tiers: GET /api/v1/memory/tiers.
func (c *Client) MemoryTiers(ctx context.Context) (*MemoryTiers, error) {
	answer := new(MemoryTiers)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/memory/tiers"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ExportMemoriesQuery has the options of ExportMemories; what is nil is left out.
type ExportMemoriesQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string

	// Name of the pack.
	Name *string

	// Version of the pack; default 1.
	Version *string

	// Only this tier; repeatable. One of immediate, short_term, session, episodic, semantic, procedural,
	// strategic, civilizational, evolutionary, planetary, galactic, cosmic.
	Tier *string

	// Only of this user.
	User *string

	// Only of this agent.
	Agent *string

	// Only of this session.
	Session *string

	// Only of this app.
	App *string

	// What the metadata must fulfil: a JSON object such as `{"year": {"$gte": 2020}}`.
	Filter *string
}

func (q ExportMemoriesQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
	add("name", q.Name)
	add("version", q.Version)
	add("tier", q.Tier)
	add("user", q.User)
	add("agent", q.Agent)
	add("session", q.Session)
	add("app", q.App)
	add("filter", q.Filter)
}

// ExportMemories: exports memories as a pack: GET /api/v1/memory/pack.
func (c *Client) ExportMemories(ctx context.Context, query ExportMemoriesQuery) ([]byte, error) {
	var answer []byte
	err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/memory/pack", query: query}, &answer)
	return answer, err
}

// ImportMemoriesQuery has the options of ImportMemories; what is nil is left out.
type ImportMemoriesQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string

	// The tier for all of them; default: the tier of each. One of immediate, short_term, session, episodic,
	// semantic, procedural, strategic, civilizational, evolutionary, planetary, galactic, cosmic.
	Tier *string
}

func (q ImportMemoriesQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
	add("tier", q.Tier)
}

// ImportMemories: imports a pack of memories: POST /api/v1/memory/pack. It is repeated safely: the client
// sends an Idempotency-Key.
func (c *Client) ImportMemories(ctx context.Context, body []byte, query ImportMemoriesQuery) (*MemoryImported, error) {
	answer := new(MemoryImported)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/memory/pack", query: query, body: body, media: "application/jsonl", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RecallMemoriesQuery has the options of RecallMemories; what is nil is left out.
type RecallMemoriesQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string
}

func (q RecallMemoriesQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// RecallMemories: recalls what fits a text: POST /api/v1/memory/recall.
func (c *Client) RecallMemories(ctx context.Context, body MemoryQuestion, query RecallMemoriesQuery) (*Recalled, error) {
	answer := new(Recalled)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/memory/recall", query: query, body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// EraseMemoriesQuery has the options of EraseMemories; what is nil is left out.
type EraseMemoriesQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string
}

func (q EraseMemoriesQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// EraseMemories: erases all of a user, an agent, a session or an app: POST /api/v1/memory/forget. It is
// repeated safely: the client sends an Idempotency-Key.
func (c *Client) EraseMemories(ctx context.Context, body MemoryErasure, query EraseMemoriesQuery) (*MemoriesErased, error) {
	answer := new(MemoriesErased)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/memory/forget", query: query, body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ConsolidateMemories: consolidates now: POST /api/v1/memory/consolidate. It is repeated safely: the client
// sends an Idempotency-Key.
func (c *Client) ConsolidateMemories(ctx context.Context) (*Consolidated, error) {
	answer := new(Consolidated)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/memory/consolidate", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListFactsQuery has the options of ListFacts; what is nil is left out.
type ListFactsQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string

	// Only about this subject, such as `Ada`; `@me` for whoever spoke.
	About *string

	// Only of this user.
	User *string

	// Only of this agent.
	Agent *string

	// Only of this session.
	Session *string

	// Only of this app.
	App *string
}

func (q ListFactsQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
	add("about", q.About)
	add("user", q.User)
	add("agent", q.Agent)
	add("session", q.Session)
	add("app", q.App)
}

// ListFacts: lists what is known of somebody, the oldest first: GET /api/v1/memory/facts.
func (c *Client) ListFacts(ctx context.Context, query ListFactsQuery) (*MemoryFacts, error) {
	answer := new(MemoryFacts)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/memory/facts", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// StateFactQuery has the options of StateFact; what is nil is left out.
type StateFactQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string
}

func (q StateFactQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// StateFact: states a fact: POST /api/v1/memory/facts. It is repeated safely: the client sends an
// Idempotency-Key.
func (c *Client) StateFact(ctx context.Context, body MemoryFactOrder, query StateFactQuery) (*MemoryFactStated, error) {
	answer := new(MemoryFactStated)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/memory/facts", query: query, body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowEntityQuery has the options of ShowEntity; what is nil is left out.
type ShowEntityQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string

	// Only of this user.
	User *string

	// Only of this agent.
	Agent *string

	// Only of this session.
	Session *string

	// Only of this app.
	App *string
}

func (q ShowEntityQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
	add("user", q.User)
	add("agent", q.Agent)
	add("session", q.Session)
	add("app", q.App)
}

// ShowEntity: shows all that is known of somebody: GET /api/v1/memory/entities/{entity}.
func (c *Client) ShowEntity(ctx context.Context, entity string, query ShowEntityQuery) (*MemoryEntity, error) {
	answer := new(MemoryEntity)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/memory/entities/" + escaped(entity), query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RemoveFactQuery has the options of RemoveFact; what is nil is left out.
type RemoveFactQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string
}

func (q RemoveFactQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// RemoveFact: removes a fact; the memory that states it stays: DELETE /api/v1/memory/facts/{fact}.
func (c *Client) RemoveFact(ctx context.Context, fact string, query RemoveFactQuery) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/memory/facts/" + escaped(fact), query: query, keyed: true}, nil)
}

// ListBlocksQuery has the options of ListBlocks; what is nil is left out.
type ListBlocksQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string

	// Only of this user.
	User *string

	// Only of this agent.
	Agent *string

	// Only of this session.
	Session *string

	// Only of this app.
	App *string

	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListBlocksQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
	add("user", q.User)
	add("agent", q.Agent)
	add("session", q.Session)
	add("app", q.App)
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListBlocks: lists core blocks, which every recall gives: GET /api/v1/memory/blocks.
func (c *Client) ListBlocks(ctx context.Context, query ListBlocksQuery) (*MemoryBlocks, error) {
	answer := new(MemoryBlocks)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/memory/blocks", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllBlocks goes through all pages of ListBlocks, asking for each as it is reached; the first error ends it.
func (c *Client) AllBlocks(ctx context.Context, query ListBlocksQuery) iter.Seq2[MemoryBlock, error] {
	return func(yield func(MemoryBlock, error) bool) {
		for {
			page, err := c.ListBlocks(ctx, query)
			if err != nil {
				var none MemoryBlock
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// ShowBlockQuery has the options of ShowBlock; what is nil is left out.
type ShowBlockQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string

	// Only of this user.
	User *string

	// Only of this agent.
	Agent *string

	// Only of this session.
	Session *string

	// Only of this app.
	App *string
}

func (q ShowBlockQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
	add("user", q.User)
	add("agent", q.Agent)
	add("session", q.Session)
	add("app", q.App)
}

// ShowBlock: shows a core block: GET /api/v1/memory/blocks/{block}.
func (c *Client) ShowBlock(ctx context.Context, block string, query ShowBlockQuery) (*MemoryBlock, error) {
	answer := new(MemoryBlock)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/memory/blocks/" + escaped(block), query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// WriteBlockQuery has the options of WriteBlock; what is nil is left out.
type WriteBlockQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string

	// Only of this user.
	User *string

	// Only of this agent.
	Agent *string

	// Only of this session.
	Session *string

	// Only of this app.
	App *string
}

func (q WriteBlockQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
	add("user", q.User)
	add("agent", q.Agent)
	add("session", q.Session)
	add("app", q.App)
}

// WriteBlock: makes, changes or restores a core block: PUT /api/v1/memory/blocks/{block}.
func (c *Client) WriteBlock(ctx context.Context, block string, body MemoryBlockOrder, query WriteBlockQuery) (*MemoryBlock, error) {
	answer := new(MemoryBlock)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/memory/blocks/" + escaped(block), query: query, body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RemoveBlockQuery has the options of RemoveBlock; what is nil is left out.
type RemoveBlockQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string

	// Only of this user.
	User *string

	// Only of this agent.
	Agent *string

	// Only of this session.
	Session *string

	// Only of this app.
	App *string
}

func (q RemoveBlockQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
	add("user", q.User)
	add("agent", q.Agent)
	add("session", q.Session)
	add("app", q.App)
}

// RemoveBlock: removes a core block and its history: DELETE /api/v1/memory/blocks/{block}.
func (c *Client) RemoveBlock(ctx context.Context, block string, query RemoveBlockQuery) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/memory/blocks/" + escaped(block), query: query, keyed: true}, nil)
}

// ListBlockVersionsQuery has the options of ListBlockVersions; what is nil is left out.
type ListBlockVersionsQuery struct {
	// Whose: a plugin, or `@host` for the host's own.
	Owner *string

	// Only of this user.
	User *string

	// Only of this agent.
	Agent *string

	// Only of this session.
	Session *string

	// Only of this app.
	App *string
}

func (q ListBlockVersionsQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
	add("user", q.User)
	add("agent", q.Agent)
	add("session", q.Session)
	add("app", q.App)
}

// ListBlockVersions: lists what a core block said: GET /api/v1/memory/blocks/{block}/versions.
func (c *Client) ListBlockVersions(ctx context.Context, block string, query ListBlockVersionsQuery) (*MemoryBlockVersions, error) {
	answer := new(MemoryBlockVersions)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/memory/blocks/" + escaped(block) + "/versions", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowMemory: shows a memory: GET /api/v1/memory/{memory}.
func (c *Client) ShowMemory(ctx context.Context, memory string) (*Memory, error) {
	answer := new(Memory)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/memory/" + escaped(memory)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ChangeMemory: pins, approves or corrects a memory: POST /api/v1/memory/{memory}. It is repeated safely: the
// client sends an Idempotency-Key.
func (c *Client) ChangeMemory(ctx context.Context, memory string, body MemoryChange) (*Memory, error) {
	answer := new(Memory)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/memory/" + escaped(memory), body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ForgetMemory: erases a memory and all that was made of it: DELETE /api/v1/memory/{memory}.
func (c *Client) ForgetMemory(ctx context.Context, memory string) (*MemoriesForgotten, error) {
	answer := new(MemoriesForgotten)
	if err := c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/memory/" + escaped(memory), keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListCollectionsQuery has the options of ListCollections; what is nil is left out.
type ListCollectionsQuery struct {
	// Collections on a page.
	Limit *int64

	// `next` of the page before.
	Cursor *string

	// Only those of a plugin or of `@host`.
	Owner *string
}

func (q ListCollectionsQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
	add("owner", q.Owner)
}

// ListCollections: lists vector collections: GET /api/v1/vectors/collections.
func (c *Client) ListCollections(ctx context.Context, query ListCollectionsQuery) (*Collections, error) {
	answer := new(Collections)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/vectors/collections", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllCollections goes through all pages of ListCollections, asking for each as it is reached; the first error
// ends it.
func (c *Client) AllCollections(ctx context.Context, query ListCollectionsQuery) iter.Seq2[Collection, error] {
	return func(yield func(Collection, error) bool) {
		for {
			page, err := c.ListCollections(ctx, query)
			if err != nil {
				var none Collection
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// CreateCollectionQuery has the options of CreateCollection; what is nil is left out.
type CreateCollectionQuery struct {
	// A plugin; the host itself when left out.
	Owner *string
}

func (q CreateCollectionQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// CreateCollection: makes a vector collection: POST /api/v1/vectors/collections. It is repeated safely: the
// client sends an Idempotency-Key.
func (c *Client) CreateCollection(ctx context.Context, body CollectionOrder, query CreateCollectionQuery) (*Collection, error) {
	answer := new(Collection)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/vectors/collections", query: query, body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowCollectionQuery has the options of ShowCollection; what is nil is left out.
type ShowCollectionQuery struct {
	// A plugin; the host itself when left out.
	Owner *string
}

func (q ShowCollectionQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// ShowCollection: shows a vector collection: GET /api/v1/vectors/collections/{collection}.
func (c *Client) ShowCollection(ctx context.Context, collection string, query ShowCollectionQuery) (*Collection, error) {
	answer := new(Collection)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/vectors/collections/" + escaped(collection), query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// DropCollectionQuery has the options of DropCollection; what is nil is left out.
type DropCollectionQuery struct {
	// A plugin; the host itself when left out.
	Owner *string
}

func (q DropCollectionQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// DropCollection: drops a vector collection: DELETE /api/v1/vectors/collections/{collection}.
func (c *Client) DropCollection(ctx context.Context, collection string, query DropCollectionQuery) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/vectors/collections/" + escaped(collection), query: query, keyed: true}, nil)
}

// ShowIndexQuery has the options of ShowIndex; what is nil is left out.
type ShowIndexQuery struct {
	// A plugin; the host itself when left out.
	Owner *string
}

func (q ShowIndexQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// ShowIndex: shows the index of a collection: GET /api/v1/vectors/collections/{collection}/index.
func (c *Client) ShowIndex(ctx context.Context, collection string, query ShowIndexQuery) (*CollectionIndex, error) {
	answer := new(CollectionIndex)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/vectors/collections/" + escaped(collection) + "/index", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RebuildIndexQuery has the options of RebuildIndex; what is nil is left out.
type RebuildIndexQuery struct {
	// A plugin; the host itself when left out.
	Owner *string
}

func (q RebuildIndexQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// RebuildIndex: rebuilds the index of a collection and its copy on disk: POST
// /api/v1/vectors/collections/{collection}/index. It is repeated safely: the client sends an Idempotency-Key.
func (c *Client) RebuildIndex(ctx context.Context, collection string, query RebuildIndexQuery) (*CollectionIndex, error) {
	answer := new(CollectionIndex)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/vectors/collections/" + escaped(collection) + "/index", query: query, keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// UpsertVectorsQuery has the options of UpsertVectors; what is nil is left out.
type UpsertVectorsQuery struct {
	// A plugin; the host itself when left out.
	Owner *string
}

func (q UpsertVectorsQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// UpsertVectors: keeps vectors, all or none: POST /api/v1/vectors/collections/{collection}/vectors. It is
// repeated safely: the client sends an Idempotency-Key.
func (c *Client) UpsertVectors(ctx context.Context, collection string, body VectorOrder, query UpsertVectorsQuery) (*VectorCount, error) {
	answer := new(VectorCount)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/vectors/collections/" + escaped(collection) + "/vectors", query: query, body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// SearchVectorsQuery has the options of SearchVectors; what is nil is left out.
type SearchVectorsQuery struct {
	// A plugin; the host itself when left out.
	Owner *string
}

func (q SearchVectorsQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// SearchVectors: finds the nearest vectors: POST /api/v1/vectors/collections/{collection}/search.
func (c *Client) SearchVectors(ctx context.Context, collection string, body VectorQuery, query SearchVectorsQuery) (*Matches, error) {
	answer := new(Matches)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/vectors/collections/" + escaped(collection) + "/search", query: query, body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// DeleteVectorsQuery has the options of DeleteVectors; what is nil is left out.
type DeleteVectorsQuery struct {
	// A plugin; the host itself when left out.
	Owner *string
}

func (q DeleteVectorsQuery) visit(add func(string, any)) {
	add("owner", q.Owner)
}

// DeleteVectors: deletes vectors by id: POST /api/v1/vectors/collections/{collection}/delete. It is repeated
// safely: the client sends an Idempotency-Key.
func (c *Client) DeleteVectors(ctx context.Context, collection string, body VectorIds, query DeleteVectorsQuery) (*VectorCount, error) {
	answer := new(VectorCount)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/vectors/collections/" + escaped(collection) + "/delete", query: query, body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListConnectorKinds: lists the kinds of connectors: GET /api/v1/connectors/kinds.
func (c *Client) ListConnectorKinds(ctx context.Context) (*ConnectorKinds, error) {
	answer := new(ConnectorKinds)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/connectors/kinds"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AddConnectorKind: adds a kind of connector: POST /api/v1/connectors/kinds. It is repeated safely: the
// client sends an Idempotency-Key.
func (c *Client) AddConnectorKind(ctx context.Context, body ConnectorKindOrder) (*ConnectorKind, error) {
	answer := new(ConnectorKind)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/connectors/kinds", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowConnectorKind: shows a kind of connector: GET /api/v1/connectors/kinds/{kind}.
func (c *Client) ShowConnectorKind(ctx context.Context, kind string) (*ConnectorKind, error) {
	answer := new(ConnectorKind)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/connectors/kinds/" + escaped(kind)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RemoveConnectorKind: removes a kind that was added: DELETE /api/v1/connectors/kinds/{kind}.
func (c *Client) RemoveConnectorKind(ctx context.Context, kind string) (*Removed, error) {
	answer := new(Removed)
	if err := c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/connectors/kinds/" + escaped(kind), keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListConnectors: lists connectors: GET /api/v1/connectors.
func (c *Client) ListConnectors(ctx context.Context) (*Connectors, error) {
	answer := new(Connectors)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/connectors"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AddConnector: adds a connector: POST /api/v1/connectors. It is repeated safely: the client sends an
// Idempotency-Key.
func (c *Client) AddConnector(ctx context.Context, body ConnectorOrder) (*Connector, error) {
	answer := new(Connector)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/connectors", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowConnector: shows a connector: GET /api/v1/connectors/{connector}.
func (c *Client) ShowConnector(ctx context.Context, connector string) (*Connector, error) {
	answer := new(Connector)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/connectors/" + escaped(connector)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ChangeConnector: changes a connector: PUT /api/v1/connectors/{connector}.
func (c *Client) ChangeConnector(ctx context.Context, connector string, body ConnectorChange) (*Connector, error) {
	answer := new(Connector)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/connectors/" + escaped(connector), body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RemoveConnector: removes a connector: DELETE /api/v1/connectors/{connector}.
func (c *Client) RemoveConnector(ctx context.Context, connector string) (*Removed, error) {
	answer := new(Removed)
	if err := c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/connectors/" + escaped(connector), keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// TestConnector: tests a connector: POST /api/v1/connectors/{connector}/test.
func (c *Client) TestConnector(ctx context.Context, connector string) (*ConnectorTest, error) {
	answer := new(ConnectorTest)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/connectors/" + escaped(connector) + "/test"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListActions: lists what a connector can do: GET /api/v1/connectors/{connector}/actions.
func (c *Client) ListActions(ctx context.Context, connector string) (*ConnectorActions, error) {
	answer := new(ConnectorActions)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/connectors/" + escaped(connector) + "/actions"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// CallConnector: does an action: POST /api/v1/connectors/{connector}/actions/{action}. It is repeated safely:
// the client sends an Idempotency-Key.
func (c *Client) CallConnector(ctx context.Context, connector string, action string, body ConnectorCall) (*ConnectorOutput, error) {
	answer := new(ConnectorOutput)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/connectors/" + escaped(connector) + "/actions/" + escaped(action), body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListUsesQuery has the options of ListUses; what is nil is left out.
type ListUsesQuery struct {
	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListUsesQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListUses: lists who used a connector: GET /api/v1/connectors/{connector}/uses.
func (c *Client) ListUses(ctx context.Context, connector string, query ListUsesQuery) (*ConnectorUses, error) {
	answer := new(ConnectorUses)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/connectors/" + escaped(connector) + "/uses", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllUses goes through all pages of ListUses, asking for each as it is reached; the first error ends it.
func (c *Client) AllUses(ctx context.Context, connector string, query ListUsesQuery) iter.Seq2[ConnectorUse, error] {
	return func(yield func(ConnectorUse, error) bool) {
		for {
			page, err := c.ListUses(ctx, connector, query)
			if err != nil {
				var none ConnectorUse
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// TriggerConnector: publishes an event: POST /api/connectors/{connector}/trigger. It is repeated safely: the
// client sends an Idempotency-Key.
func (c *Client) TriggerConnector(ctx context.Context, connector string, body Trigger) (*Status, error) {
	answer := new(Status)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/connectors/" + escaped(connector) + "/trigger", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// Deliver: takes a delivery of a service in: POST /hooks/{hook}.
func (c *Client) Deliver(ctx context.Context, hook string, body []byte) (any, error) {
	var answer any
	err := c.do(ctx, request{method: http.MethodPost, path: "/hooks/" + escaped(hook), body: body, media: "application/octet-stream"}, &answer)
	return answer, err
}

// ListWebhooks: lists webhooks: GET /api/v1/webhooks.
func (c *Client) ListWebhooks(ctx context.Context) (*Webhooks, error) {
	answer := new(Webhooks)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/webhooks"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AddWebhook: adds a webhook: POST /api/v1/webhooks. It is repeated safely: the client sends an Idempotency-
// Key.
func (c *Client) AddWebhook(ctx context.Context, body WebhookOrder) (*Webhook, error) {
	answer := new(Webhook)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/webhooks", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowWebhook: shows a webhook: GET /api/v1/webhooks/{webhook}.
func (c *Client) ShowWebhook(ctx context.Context, webhook string) (*Webhook, error) {
	answer := new(Webhook)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/webhooks/" + escaped(webhook)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RemoveWebhook: removes a webhook and its deliveries: DELETE /api/v1/webhooks/{webhook}.
func (c *Client) RemoveWebhook(ctx context.Context, webhook string) (*Removed, error) {
	answer := new(Removed)
	if err := c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/webhooks/" + escaped(webhook), keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListDeliveriesQuery has the options of ListDeliveries; what is nil is left out.
type ListDeliveriesQuery struct {
	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListDeliveriesQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListDeliveries: lists deliveries: GET /api/v1/webhooks/{webhook}/deliveries.
func (c *Client) ListDeliveries(ctx context.Context, webhook string, query ListDeliveriesQuery) (*WebhookDeliveries, error) {
	answer := new(WebhookDeliveries)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/webhooks/" + escaped(webhook) + "/deliveries", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllDeliveries goes through all pages of ListDeliveries, asking for each as it is reached; the first error
// ends it.
func (c *Client) AllDeliveries(ctx context.Context, webhook string, query ListDeliveriesQuery) iter.Seq2[WebhookDelivery, error] {
	return func(yield func(WebhookDelivery, error) bool) {
		for {
			page, err := c.ListDeliveries(ctx, webhook, query)
			if err != nil {
				var none WebhookDelivery
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// ShowDelivery: shows a delivery with its body: GET /api/v1/webhooks/{webhook}/deliveries/{delivery}.
func (c *Client) ShowDelivery(ctx context.Context, webhook string, delivery string) (*WebhookDeliveryBody, error) {
	answer := new(WebhookDeliveryBody)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/webhooks/" + escaped(webhook) + "/deliveries/" + escaped(delivery)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// Redeliver: publishes a delivery once more: POST /api/v1/webhooks/{webhook}/deliveries/{delivery}/redeliver.
// It is repeated safely: the client sends an Idempotency-Key.
func (c *Client) Redeliver(ctx context.Context, webhook string, delivery string) (*Status, error) {
	answer := new(Status)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/webhooks/" + escaped(webhook) + "/deliveries/" + escaped(delivery) + "/redeliver", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListEventsQuery has the options of ListEvents; what is nil is left out.
type ListEventsQuery struct {
	// Topics to list: names, `*`, a last `**`.
	Topic *string

	// How many events.
	Limit *int64

	// Where the page begins.
	Cursor *string
}

func (q ListEventsQuery) visit(add func(string, any)) {
	add("topic", q.Topic)
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListEvents: lists events of the past, newest first: GET /api/v1/events.
func (c *Client) ListEvents(ctx context.Context, query ListEventsQuery) (*Events, error) {
	answer := new(Events)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/events", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllEvents goes through all pages of ListEvents, asking for each as it is reached; the first error ends it.
func (c *Client) AllEvents(ctx context.Context, query ListEventsQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			page, err := c.ListEvents(ctx, query)
			if err != nil {
				var none Event
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// PublishEvents: publishes events to workflows: POST /api/v1/events. It is repeated safely: the client sends
// an Idempotency-Key.
func (c *Client) PublishEvents(ctx context.Context, body CloudEvent) (*Published, error) {
	answer := new(Published)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/events", body: body, media: "application/cloudevents+json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListLanes: shows how the lanes stand: GET /api/v1/loops.
func (c *Client) ListLanes(ctx context.Context) (*Lanes, error) {
	answer := new(Lanes)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/loops"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowLane: shows how a lane stands: GET /api/v1/loops/{lane}.
func (c *Client) ShowLane(ctx context.Context, lane string) (*Lane, error) {
	answer := new(Lane)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/loops/" + escaped(lane)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RunCycle: runs a cycle of a lane now: POST /api/v1/loops/{lane}/cycles. It is repeated safely: the client
// sends an Idempotency-Key.
func (c *Client) RunCycle(ctx context.Context, lane string, body CycleOrder) (*Cycle, error) {
	answer := new(Cycle)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/loops/" + escaped(lane) + "/cycles", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListIntelligencesQuery has the options of ListIntelligences; what is nil is left out.
type ListIntelligencesQuery struct {
	// Only those with this status. One of Ready, Unverified, MissingCapabilities.
	Status *string

	// Those that are retired instead.
	Retired *bool

	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListIntelligencesQuery) visit(add func(string, any)) {
	add("status", q.Status)
	add("retired", q.Retired)
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListIntelligences: lists intelligences: GET /api/v1/intelligences.
func (c *Client) ListIntelligences(ctx context.Context, query ListIntelligencesQuery) (*Intelligences, error) {
	answer := new(Intelligences)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/intelligences", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllIntelligences goes through all pages of ListIntelligences, asking for each as it is reached; the first
// error ends it.
func (c *Client) AllIntelligences(ctx context.Context, query ListIntelligencesQuery) iter.Seq2[Intelligence, error] {
	return func(yield func(Intelligence, error) bool) {
		for {
			page, err := c.ListIntelligences(ctx, query)
			if err != nil {
				var none Intelligence
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// CreateIntelligence: makes an intelligence: POST /api/v1/intelligences. It is repeated safely: the client
// sends an Idempotency-Key.
func (c *Client) CreateIntelligence(ctx context.Context, body IntelligenceSpec) (*Intelligence, error) {
	answer := new(Intelligence)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/intelligences", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowIntelligence: shows one: GET /api/v1/intelligences/{intelligence}.
func (c *Client) ShowIntelligence(ctx context.Context, intelligence string) (*Intelligence, error) {
	answer := new(Intelligence)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/intelligences/" + escaped(intelligence)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RetireIntelligence: ends one: DELETE /api/v1/intelligences/{intelligence}.
func (c *Client) RetireIntelligence(ctx context.Context, intelligence string) (*Intelligence, error) {
	answer := new(Intelligence)
	if err := c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/intelligences/" + escaped(intelligence), keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// CallIntelligence: uses one: POST /api/v1/intelligences/{intelligence}/calls. It is repeated safely: the
// client sends an Idempotency-Key.
func (c *Client) CallIntelligence(ctx context.Context, intelligence string, body IntelligenceCall) (*IntelligenceAnswer, error) {
	answer := new(IntelligenceAnswer)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/intelligences/" + escaped(intelligence) + "/calls", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// PractiseIntelligence: tests one on cases: POST /api/v1/intelligences/{intelligence}/practices. It is
// repeated safely: the client sends an Idempotency-Key.
func (c *Client) PractiseIntelligence(ctx context.Context, intelligence string, body Practice) (*Intelligence, error) {
	answer := new(Intelligence)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/intelligences/" + escaped(intelligence) + "/practices", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListEvolutionsQuery has the options of ListEvolutions; what is nil is left out.
type ListEvolutionsQuery struct {
	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListEvolutionsQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListEvolutions: lists searches for better workflows: GET /api/v1/evolutions.
func (c *Client) ListEvolutions(ctx context.Context, query ListEvolutionsQuery) (*Evolutions, error) {
	answer := new(Evolutions)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/evolutions", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllEvolutions goes through all pages of ListEvolutions, asking for each as it is reached; the first error
// ends it.
func (c *Client) AllEvolutions(ctx context.Context, query ListEvolutionsQuery) iter.Seq2[Evolution, error] {
	return func(yield func(Evolution, error) bool) {
		for {
			page, err := c.ListEvolutions(ctx, query)
			if err != nil {
				var none Evolution
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// BeginEvolution: begins a search for a better workflow: POST /api/v1/evolutions. It is repeated safely: the
// client sends an Idempotency-Key.
func (c *Client) BeginEvolution(ctx context.Context, body EvolutionOrder) (*Evolution, error) {
	answer := new(Evolution)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/evolutions", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowEvolution: shows a search: GET /api/v1/evolutions/{evolution}.
func (c *Client) ShowEvolution(ctx context.Context, evolution string) (*Evolution, error) {
	answer := new(Evolution)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/evolutions/" + escaped(evolution)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListCandidatesQuery has the options of ListCandidates; what is nil is left out.
type ListCandidatesQuery struct {
	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListCandidatesQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListCandidates: lists its candidates: GET /api/v1/evolutions/{evolution}/candidates.
func (c *Client) ListCandidates(ctx context.Context, evolution string, query ListCandidatesQuery) (*EvolutionCandidates, error) {
	answer := new(EvolutionCandidates)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/evolutions/" + escaped(evolution) + "/candidates", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllCandidates goes through all pages of ListCandidates, asking for each as it is reached; the first error
// ends it.
func (c *Client) AllCandidates(ctx context.Context, evolution string, query ListCandidatesQuery) iter.Seq2[EvolutionCandidate, error] {
	return func(yield func(EvolutionCandidate, error) bool) {
		for {
			page, err := c.ListCandidates(ctx, evolution, query)
			if err != nil {
				var none EvolutionCandidate
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// ShowCandidate: shows the workflow that a candidate is: GET
// /api/v1/evolutions/{evolution}/candidates/{candidate}.
func (c *Client) ShowCandidate(ctx context.Context, evolution string, candidate string) (*EvolutionDocument, error) {
	answer := new(EvolutionDocument)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/evolutions/" + escaped(evolution) + "/candidates/" + escaped(candidate)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// EndEvolution: stops a search: POST /api/v1/evolutions/{evolution}/stop. It is repeated safely: the client
// sends an Idempotency-Key.
func (c *Client) EndEvolution(ctx context.Context, evolution string) (*Evolution, error) {
	answer := new(Evolution)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/evolutions/" + escaped(evolution) + "/stop", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// PromoteCandidate: makes its best candidate the next version of the workflow, for a share of its runs first
// where one is given: POST /api/v1/evolutions/{evolution}/promote. It is repeated safely: the client sends an
// Idempotency-Key.
func (c *Client) PromoteCandidate(ctx context.Context, evolution string, body EvolutionCanary) (*Evolution, error) {
	answer := new(Evolution)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/evolutions/" + escaped(evolution) + "/promote", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// UndoPromotion: makes the workflow as it was before the promotion its next version: POST
// /api/v1/evolutions/{evolution}/rollback. It is repeated safely: the client sends an Idempotency-Key.
func (c *Client) UndoPromotion(ctx context.Context, evolution string) (*Evolution, error) {
	answer := new(Evolution)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/evolutions/" + escaped(evolution) + "/rollback", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListPluginsPlain: lists plugins as OmniFlow does: GET /api/plugins.
func (c *Client) ListPluginsPlain(ctx context.Context) ([]PlainPlugin, error) {
	var answer []PlainPlugin
	err := c.do(ctx, request{method: http.MethodGet, path: "/api/plugins"}, &answer)
	return answer, err
}

// ExecutePlugin: calls as OmniFlow does: POST /api/plugins/{plugin}/execute.
func (c *Client) ExecutePlugin(ctx context.Context, plugin string, body Execution) (*Executed, error) {
	answer := new(Executed)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/plugins/" + escaped(plugin) + "/execute", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListWorkflowsPlain: lists workflows as OmniFlow does: GET /api/workflows.
func (c *Client) ListWorkflowsPlain(ctx context.Context) ([]PlainWorkflow, error) {
	var answer []PlainWorkflow
	err := c.do(ctx, request{method: http.MethodGet, path: "/api/workflows"}, &answer)
	return answer, err
}

// AddWorkflowPlain: keeps a workflow as OmniFlow does: POST /api/workflows. It is repeated safely: the client
// sends an Idempotency-Key.
func (c *Client) AddWorkflowPlain(ctx context.Context, body map[string]any) (*PlainWorkflow, error) {
	answer := new(PlainWorkflow)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/workflows", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowWorkflowPlain: shows a workflow: GET /api/workflows/{workflow}.
func (c *Client) ShowWorkflowPlain(ctx context.Context, workflow string) (*PlainWorkflow, error) {
	answer := new(PlainWorkflow)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/workflows/" + escaped(workflow)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ExecuteWorkflow: runs a workflow: POST /api/workflows/{workflow}/execute. It is repeated safely: the client
// sends an Idempotency-Key.
func (c *Client) ExecuteWorkflow(ctx context.Context, workflow string, body WorkflowExecution) (*WorkflowExecuted, error) {
	answer := new(WorkflowExecuted)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/workflows/" + escaped(workflow) + "/execute", body: body, media: "application/json", keyed: true}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListAuditQuery has the options of ListAudit; what is nil is left out.
type ListAuditQuery struct {
	// How many rows.
	Limit *int64

	// `next` of the page before.
	Cursor *string

	// Only what this one did.
	Actor *string

	// Only this operation.
	Action *string

	// Only what was about this, such as plugin:text.
	Target *string
}

func (q ListAuditQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
	add("actor", q.Actor)
	add("action", q.Action)
	add("target", q.Target)
}

// ListAudit: lists who changed what, newest first: GET /api/v1/audit.
func (c *Client) ListAudit(ctx context.Context, query ListAuditQuery) (*AuditRows, error) {
	answer := new(AuditRows)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/audit", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllAudit goes through all pages of ListAudit, asking for each as it is reached; the first error ends it.
func (c *Client) AllAudit(ctx context.Context, query ListAuditQuery) iter.Seq2[AuditRow, error] {
	return func(yield func(AuditRow, error) bool) {
		for {
			page, err := c.ListAudit(ctx, query)
			if err != nil {
				var none AuditRow
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// VerifyAudit: checks the chain of the record: POST /api/v1/audit/verify.
func (c *Client) VerifyAudit(ctx context.Context, body AuditCheck) (*AuditVerdict, error) {
	answer := new(AuditVerdict)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/audit/verify", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// Alive: tells that the process lives: GET /healthz.
func (c *Client) Alive(ctx context.Context) (*Status, error) {
	answer := new(Status)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/healthz"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// Ready: tells whether plugins can be called: GET /readyz.
func (c *Client) Ready(ctx context.Context) (*Readiness, error) {
	answer := new(Readiness)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/readyz"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowHealth: shows the health of every part: GET /api/v1/health.
func (c *Client) ShowHealth(ctx context.Context) (*Health, error) {
	answer := new(Health)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/health"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// Metrics: metrics in Prometheus' text format: GET /metrics.
func (c *Client) Metrics(ctx context.Context) ([]byte, error) {
	var answer []byte
	err := c.do(ctx, request{method: http.MethodGet, path: "/metrics"}, &answer)
	return answer, err
}

// ShowSeriesQuery has the options of ShowSeries; what is nil is left out.
type ShowSeriesQuery struct {
	// How far back; default 60.
	Minutes *int64
}

func (q ShowSeriesQuery) visit(add func(string, any)) {
	add("minutes", q.Minutes)
}

// ShowSeries: calls and errors over time: GET /api/v1/metrics/series.
func (c *Client) ShowSeries(ctx context.Context, query ShowSeriesQuery) (*Series, error) {
	answer := new(Series)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/metrics/series", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListCallFiguresQuery has the options of ListCallFigures; what is nil is left out.
type ListCallFiguresQuery struct {
	// Only this plugin.
	Plugin *string

	// Only functions, or only what plugins asked of the host. One of function, host.
	Kind *string

	// How many figures.
	Limit *int64
}

func (q ListCallFiguresQuery) visit(add func(string, any)) {
	add("plugin", q.Plugin)
	add("kind", q.Kind)
	add("limit", q.Limit)
}

// ListCallFigures: lists what took the time, since this host started: GET /api/v1/metrics/calls.
func (c *Client) ListCallFigures(ctx context.Context, query ListCallFiguresQuery) (*FunctionFiguresList, error) {
	answer := new(FunctionFiguresList)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/metrics/calls", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListAlarms: lists alarms by name: GET /api/v1/alarms.
func (c *Client) ListAlarms(ctx context.Context) (*Alarms, error) {
	answer := new(Alarms)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/alarms"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowAlarm: shows an alarm: GET /api/v1/alarms/{alarm}.
func (c *Client) ShowAlarm(ctx context.Context, alarm string) (*Alarm, error) {
	answer := new(Alarm)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/alarms/" + escaped(alarm)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// PutAlarm: sets an alarm: PUT /api/v1/alarms/{alarm}.
func (c *Client) PutAlarm(ctx context.Context, alarm string, body AlarmOrder) (*Alarm, error) {
	answer := new(Alarm)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/alarms/" + escaped(alarm), body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RemoveAlarm: removes an alarm: DELETE /api/v1/alarms/{alarm}.
func (c *Client) RemoveAlarm(ctx context.Context, alarm string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/alarms/" + escaped(alarm)}, nil)
}

// ListKeptCallsQuery has the options of ListKeptCalls; what is nil is left out.
type ListKeptCallsQuery struct {
	// Only of this plugin.
	Plugin *string

	// Only of this function.
	Function *string

	// A version, or how a hash begins.
	Version *string

	// Only those of this run.
	Run *string

	// Only those in this state. One of ok, failed, slow.
	State *string

	// Only from this time on; Unix seconds.
	Since *float64

	// Only before this time; Unix seconds.
	Until *float64

	// Only those that took as long; milliseconds.
	LeastMs *float64

	// Words in the error, the caller or the input.
	Q *string

	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListKeptCallsQuery) visit(add func(string, any)) {
	add("plugin", q.Plugin)
	add("function", q.Function)
	add("version", q.Version)
	add("run", q.Run)
	add("state", q.State)
	add("since", q.Since)
	add("until", q.Until)
	add("least_ms", q.LeastMs)
	add("q", q.Q)
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListKeptCalls: lists calls of plugins that this host keeps, newest first: GET /api/v1/calls.
func (c *Client) ListKeptCalls(ctx context.Context, query ListKeptCallsQuery) (*KeptCalls, error) {
	answer := new(KeptCalls)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/calls", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllKeptCalls goes through all pages of ListKeptCalls, asking for each as it is reached; the first error
// ends it.
func (c *Client) AllKeptCalls(ctx context.Context, query ListKeptCallsQuery) iter.Seq2[KeptCall, error] {
	return func(yield func(KeptCall, error) bool) {
		for {
			page, err := c.ListKeptCalls(ctx, query)
			if err != nil {
				var none KeptCall
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// ShowKeptCall: shows a call that this host keeps: GET /api/v1/calls/{call}.
func (c *Client) ShowKeptCall(ctx context.Context, call string) (*KeptCall, error) {
	answer := new(KeptCall)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/calls/" + escaped(call)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowHost: tells what the host is and where it runs: GET /api/v1/host.
func (c *Client) ShowHost(ctx context.Context) (*Host, error) {
	answer := new(Host)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/host"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// Diagnostics: health, versions, logs, without secrets: GET /api/v1/diagnostics.
func (c *Client) Diagnostics(ctx context.Context) ([]byte, error) {
	var answer []byte
	err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/diagnostics"}, &answer)
	return answer, err
}

// ListSettings: lists the settings and their origins: GET /api/v1/settings.
func (c *Client) ListSettings(ctx context.Context) (*Settings, error) {
	answer := new(Settings)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/settings"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowSetting: shows a setting: GET /api/v1/settings/{setting}.
func (c *Client) ShowSetting(ctx context.Context, setting string) (*Setting, error) {
	answer := new(Setting)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/settings/" + escaped(setting)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// SetSetting: sets a setting: PUT /api/v1/settings/{setting}.
func (c *Client) SetSetting(ctx context.Context, setting string, body SettingOrder) (*Setting, error) {
	answer := new(Setting)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/settings/" + escaped(setting), body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// UnsetSetting: takes a setting back: DELETE /api/v1/settings/{setting}.
func (c *Client) UnsetSetting(ctx context.Context, setting string) (*Setting, error) {
	answer := new(Setting)
	if err := c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/settings/" + escaped(setting)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListBackups: lists the backups: GET /api/v1/backups.
func (c *Client) ListBackups(ctx context.Context) (*Backups, error) {
	answer := new(Backups)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/backups"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// MakeBackup: makes a backup while the host runs: POST /api/v1/backups.
func (c *Client) MakeBackup(ctx context.Context) (*Backup, error) {
	answer := new(Backup)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/backups"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// DownloadBackup: downloads a backup: GET /api/v1/backups/{backup}.
func (c *Client) DownloadBackup(ctx context.Context, backup string) ([]byte, error) {
	var answer []byte
	err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/backups/" + escaped(backup)}, &answer)
	return answer, err
}

// DeleteBackup: deletes a backup: DELETE /api/v1/backups/{backup}.
func (c *Client) DeleteBackup(ctx context.Context, backup string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/backups/" + escaped(backup)}, nil)
}

// RestoreBackup: restores one at the next start: POST /api/v1/backups/{backup}/restore.
func (c *Client) RestoreBackup(ctx context.Context, backup string, body RestoreOrder) (*StagedRestore, error) {
	answer := new(StagedRestore)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/backups/" + escaped(backup) + "/restore", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// CancelRestore: takes a restore back: DELETE /api/v1/backups/{backup}/restore.
func (c *Client) CancelRestore(ctx context.Context, backup string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/backups/" + escaped(backup) + "/restore"}, nil)
}

// ListHosts: lists the hosts of the fleet: GET /api/v1/fleet.
func (c *Client) ListHosts(ctx context.Context) (*FleetHosts, error) {
	answer := new(FleetHosts)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/fleet"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AddFleetToken: makes a token by which one host may join: POST /api/v1/fleet/tokens.
func (c *Client) AddFleetToken(ctx context.Context) (*NewFleetToken, error) {
	answer := new(NewFleetToken)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/fleet/tokens"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// JoinFleet: admits a new host that has a token: POST /api/v1/fleet/join.
func (c *Client) JoinFleet(ctx context.Context, body FleetJoin) (*FleetJoined, error) {
	answer := new(FleetJoined)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/fleet/join", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowFleetHost: shows a host of the fleet: GET /api/v1/fleet/{host}.
func (c *Client) ShowFleetHost(ctx context.Context, host string) (*FleetHostView, error) {
	answer := new(FleetHostView)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/fleet/" + escaped(host)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RemoveHost: throws a host out of the fleet: DELETE /api/v1/fleet/{host}.
func (c *Client) RemoveHost(ctx context.Context, host string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/fleet/" + escaped(host), keyed: true}, nil)
}

// OrderHost: cordons or drains a host, or lets it work again: PUT /api/v1/fleet/{host}/state.
func (c *Client) OrderHost(ctx context.Context, host string, body HostOrder) (*FleetHost, error) {
	answer := new(FleetHost)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/fleet/" + escaped(host) + "/state", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowHostLogsQuery has the options of ShowHostLogs; what is nil is left out.
type ShowHostLogsQuery struct {
	// The lines of this plugin; without it those of the host itself.
	Plugin *string

	// How many lines.
	Limit *int64

	// The lowest level shown. One of trace, debug, info, warn, error.
	Level *string
}

func (q ShowHostLogsQuery) visit(add func(string, any)) {
	add("plugin", q.Plugin)
	add("limit", q.Limit)
	add("level", q.Level)
}

// ShowHostLogs: shows the last log lines of a host: GET /api/v1/fleet/{host}/logs.
func (c *Client) ShowHostLogs(ctx context.Context, host string, query ShowHostLogsQuery) (*HostLines, error) {
	answer := new(HostLines)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/fleet/" + escaped(host) + "/logs", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowSession: tells who is logged in: GET /api/v1/session.
func (c *Client) ShowSession(ctx context.Context) (*Session, error) {
	answer := new(Session)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/session"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// LogIn: logs in by name and password: POST /api/v1/session.
func (c *Client) LogIn(ctx context.Context, body Credentials) (*Session, error) {
	answer := new(Session)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/session", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// LogOut: ends the session: DELETE /api/v1/session.
func (c *Client) LogOut(ctx context.Context) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/session"}, nil)
}

// ChangePassword: sets one's own password: PUT /api/v1/session/password.
func (c *Client) ChangePassword(ctx context.Context, body PasswordChange) (*Session, error) {
	answer := new(Session)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/session/password", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// SetUp: makes the first user: POST /api/v1/setup.
func (c *Client) SetUp(ctx context.Context, body SetupOrder) (*Session, error) {
	answer := new(Session)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/setup", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListSessionsQuery has the options of ListSessions; what is nil is left out.
type ListSessionsQuery struct {
	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListSessionsQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListSessions: lists one's own sessions, to admins all: GET /api/v1/sessions.
func (c *Client) ListSessions(ctx context.Context, query ListSessionsQuery) (*Sessions, error) {
	answer := new(Sessions)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/sessions", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllSessions goes through all pages of ListSessions, asking for each as it is reached; the first error ends
// it.
func (c *Client) AllSessions(ctx context.Context, query ListSessionsQuery) iter.Seq2[LoggedIn, error] {
	return func(yield func(LoggedIn, error) bool) {
		for {
			page, err := c.ListSessions(ctx, query)
			if err != nil {
				var none LoggedIn
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// EndSession: ends a session: DELETE /api/v1/sessions/{session}.
func (c *Client) EndSession(ctx context.Context, session string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/sessions/" + escaped(session)}, nil)
}

// ListUsersQuery has the options of ListUsers; what is nil is left out.
type ListUsersQuery struct {
	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListUsersQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListUsers: lists users by name: GET /api/v1/users.
func (c *Client) ListUsers(ctx context.Context, query ListUsersQuery) (*Users, error) {
	answer := new(Users)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/users", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllUsers goes through all pages of ListUsers, asking for each as it is reached; the first error ends it.
func (c *Client) AllUsers(ctx context.Context, query ListUsersQuery) iter.Seq2[User, error] {
	return func(yield func(User, error) bool) {
		for {
			page, err := c.ListUsers(ctx, query)
			if err != nil {
				var none User
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// AddUser: makes a user: POST /api/v1/users.
func (c *Client) AddUser(ctx context.Context, body UserOrder) (*User, error) {
	answer := new(User)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/users", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ShowUser: shows a user: GET /api/v1/users/{user}.
func (c *Client) ShowUser(ctx context.Context, user string) (*User, error) {
	answer := new(User)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/users/" + escaped(user)}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ChangeUser: changes a user, whose sessions end: PUT /api/v1/users/{user}.
func (c *Client) ChangeUser(ctx context.Context, user string, body UserChange) (*User, error) {
	answer := new(User)
	if err := c.do(ctx, request{method: http.MethodPut, path: "/api/v1/users/" + escaped(user), body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RemoveUser: removes a user with sessions and tokens: DELETE /api/v1/users/{user}.
func (c *Client) RemoveUser(ctx context.Context, user string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/users/" + escaped(user)}, nil)
}

// UnlockUser: unlocks a name after failed logins: POST /api/v1/users/{user}/unlock.
func (c *Client) UnlockUser(ctx context.Context, user string) (*User, error) {
	answer := new(User)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/users/" + escaped(user) + "/unlock"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ListTokensQuery has the options of ListTokens; what is nil is left out.
type ListTokensQuery struct {
	// How many.
	Limit *int64

	// `next` of the page before.
	Cursor *string
}

func (q ListTokensQuery) visit(add func(string, any)) {
	add("limit", q.Limit)
	add("cursor", q.Cursor)
}

// ListTokens: lists one's own API tokens, to admins all: GET /api/v1/tokens.
func (c *Client) ListTokens(ctx context.Context, query ListTokensQuery) (*Tokens, error) {
	answer := new(Tokens)
	if err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/tokens", query: query}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// AllTokens goes through all pages of ListTokens, asking for each as it is reached; the first error ends it.
func (c *Client) AllTokens(ctx context.Context, query ListTokensQuery) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		for {
			page, err := c.ListTokens(ctx, query)
			if err != nil {
				var none Token
				yield(none, err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Cursor = page.Next
		}
	}
}

// AddToken: makes an API token: POST /api/v1/tokens.
func (c *Client) AddToken(ctx context.Context, body TokenOrder) (*NewToken, error) {
	answer := new(NewToken)
	if err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/tokens", body: body, media: "application/json"}, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// RemoveToken: revokes an API token: DELETE /api/v1/tokens/{token}.
func (c *Client) RemoveToken(ctx context.Context, token string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/v1/tokens/" + escaped(token)}, nil)
}
