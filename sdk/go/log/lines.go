package log

import "fmt"

// Trace writes a line for those who follow every step; names and values alternate in fields.
func Trace(message string, fields ...any) { line(LevelTrace, message, fields) }

// Debug writes a line for those who look for a fault; names and values alternate in fields.
func Debug(message string, fields ...any) { line(LevelDebug, message, fields) }

// Info writes a line about what happened; names and values alternate in fields.
func Info(message string, fields ...any) { line(LevelInfo, message, fields) }

// Warn writes a line about what may be wrong; names and values alternate in fields.
func Warn(message string, fields ...any) { line(LevelWarn, message, fields) }

// Error writes a line about what is wrong; names and values alternate in fields.
func Error(message string, fields ...any) { line(LevelError, message, fields) }

// A line that cannot be written fails no call: nobody checks the error of a log.
func line(level Level, message string, fields []any) {
	named := map[string]any{}
	for i := 0; i+1 < len(fields); i += 2 {
		named[fmt.Sprint(fields[i])] = fields[i+1]
	}
	_ = Write(level, message, &WriteOptions{Fields: named})
}
