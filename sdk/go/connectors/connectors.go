// Made from specs/doors by `python -m sdk.generate`; change it there.
// Code generated from specs/doors. DO NOT EDIT.

// Package connectors: use the services the host is connected to.
package connectors

import "omnicore.example/sdk/door"

// Connector: A service the host is connected to. Its credentials never reach a plugin.
type Connector struct {
	// chosen by the operator
	Name string `json:"name"`
	// such as `http`, `postgresql`, `github`
	Kind string `json:"kind"`
	// what it can do and the plugin may ask for
	Actions []string `json:"actions"`
}

// List: The connectors the plugin may use.
func List() ([]Connector, error) {
	request := struct{}{}
	reply, err := door.Call[struct {
		Connectors []Connector `json:"connectors"`
	}](door.ConnectorsList, request)
	return reply.Connectors, err
}

// CallOptions is what may be left out of Call.
type CallOptions struct {
	// what the action takes, at most 1 MiB
	Input any `json:"input,omitempty"`
}

// Call: Lets a connector do something and returns what came of it.
func Call(connector string, action string, options *CallOptions) (door.Value, error) {
	request := struct {
		Connector string `json:"connector"`
		Action    string `json:"action"`
		*CallOptions
	}{connector, action, options}
	reply, err := door.Call[struct {
		Output door.Value `json:"output"`
	}](door.ConnectorsCall, request)
	return reply.Output, err
}
