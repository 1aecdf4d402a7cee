// Made from specs/doors by `python -m sdk.generate`; change it there.
// Code generated from specs/doors. DO NOT EDIT.

// Package log: write to the plugin's log.
package log

import "omnicore.example/sdk/door"

// Level: How much a line matters.
type Level string

// Level is one of these.
const (
	LevelTrace Level = "trace"
	LevelDebug Level = "debug"
	LevelInfo  Level = "info"
	LevelWarn  Level = "warn"
	LevelError Level = "error"
)

// WriteOptions is what may be left out of Write.
type WriteOptions struct {
	// facts about it
	Fields map[string]any `json:"fields,omitempty"`
}

// Write: Writes a line, with its fields as `key=value` after the message. A line is cut at 8 KiB.
func Write(level Level, message string, options *WriteOptions) error {
	request := struct {
		Level   Level  `json:"level"`
		Message string `json:"message"`
		*WriteOptions
	}{level, message, options}
	_, err := door.Call[struct{}](door.LogWrite, request)
	return err
}
