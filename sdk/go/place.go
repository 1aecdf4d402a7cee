package omnicore

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

const deepest = 32

// place is ` (main.go:12)`, where the author's code panicked, or nothing. Go keeps its line table in every module.
func place() string {
	var counters [deepest]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(0, counters[:])])
	panicked := false
	for {
		frame, more := frames.Next()
		switch {
		case strings.HasSuffix(frame.Function, "runtime.gopanic"):
			panicked = true
		case panicked && !strings.HasPrefix(frame.Function, "runtime."):
			return fmt.Sprintf(" (%s:%d)", filepath.Base(frame.File), frame.Line)
		}
		if !more {
			return ""
		}
	}
}
