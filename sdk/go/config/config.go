// Made from specs/doors by `python -m sdk.generate`; change it there.
// Code generated from specs/doors. DO NOT EDIT.

// Package config: read the plugin's settings.
package config

import "omnicore.example/sdk/door"

// Get: One setting, checked against the `[config]` schema of the manifest, defaults included.
func Get(key string) (door.Value, error) {
	request := struct {
		Key string `json:"key"`
	}{key}
	reply, err := door.Call[struct {
		Value door.Value `json:"value"`
	}](door.ConfigGet, request)
	return reply.Value, err
}

// All: All settings.
func All() (map[string]any, error) {
	request := struct{}{}
	reply, err := door.Call[struct {
		Values map[string]any `json:"values"`
	}](door.ConfigAll, request)
	return reply.Values, err
}
