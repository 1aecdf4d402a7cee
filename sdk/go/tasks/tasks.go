// Made from specs/doors by `python -m sdk.generate`; change it there.
// Code generated from specs/doors. DO NOT EDIT.

// Package tasks: run functions of plugins later, with retries.
package tasks

import "omnicore.example/sdk/door"

// State: Where a task stands.
type State string

// State is one of these.
const (
	StateWaiting   State = "waiting"
	StateRunning   State = "running"
	StateDone      State = "done"
	StateFailed    State = "failed"
	StateCancelled State = "cancelled"
)

// Task: A task as it stands.
type Task struct {
	// given by the host
	ID string `json:"id"`
	// what it calls
	Function string `json:"function"`
	// where it stands
	State State `json:"state"`
	// how often it was begun
	Attempts int64 `json:"attempts"`
	// what the function returned, once done
	Output door.Value `json:"output"`
	// why it failed last
	Error *string `json:"error"`
}

// TasksPage: Some of the plugin's tasks.
type TasksPage struct {
	// newest first
	Tasks []Task `json:"tasks"`
	// for the next page; null after the last
	Cursor *string `json:"cursor"`
}

// SubmitOptions is what may be left out of Submit.
type SubmitOptions struct {
	// what the function is called with, at most 64 KiB
	Input any `json:"input,omitempty"`
	// `default` when left out
	Queue string `json:"queue,omitempty"`
	// seconds before it may begin
	DelaySeconds *float64 `json:"delay_s,omitempty"`
	// 0 to 9, higher ones first; 5 when left out
	Priority *int64 `json:"priority,omitempty"`
	// 1 to 20; 3 when left out
	Attempts *int64 `json:"attempts,omitempty"`
	// for each attempt
	TimeoutSeconds *float64 `json:"timeout_s,omitempty"`
	// a second task with this key is the first one
	Key string `json:"key,omitempty"`
}

// Submit: Stores a task and returns its id; the host runs it, also after a restart.
func Submit(function string, options *SubmitOptions) (string, error) {
	request := struct {
		Function string `json:"function"`
		*SubmitOptions
	}{function, options}
	reply, err := door.Call[struct {
		ID string `json:"id"`
	}](door.TasksSubmit, request)
	return reply.ID, err
}

// Get: A task of this plugin, or nothing.
func Get(id string) (*Task, error) {
	request := struct {
		ID string `json:"id"`
	}{id}
	reply, err := door.Call[struct {
		Task *Task `json:"task"`
	}](door.TasksGet, request)
	return reply.Task, err
}

// ListOptions is what may be left out of List.
type ListOptions struct {
	// only those
	State State `json:"state,omitempty"`
	// 1 to 1000; 100 when left out
	Limit *int64 `json:"limit,omitempty"`
	// of the page before
	Cursor string `json:"cursor,omitempty"`
}

// List: The plugin's own tasks, newest first.
func List(options *ListOptions) (TasksPage, error) {
	request := struct {
		*ListOptions
	}{options}
	return door.Call[TasksPage](door.TasksList, request)
}

// Cancel: Cancels a task that waits or runs; returns whether it did.
func Cancel(id string) (bool, error) {
	request := struct {
		ID string `json:"id"`
	}{id}
	reply, err := door.Call[struct {
		Cancelled bool `json:"cancelled"`
	}](door.TasksCancel, request)
	return reply.Cancelled, err
}
