// Package omnicoretest is a host for tests of plugins: `go test` runs them on the author's own machine.
//
//	host := omnicoretest.New(t)
//	host.Settings["greeting"] = "Hi"
//	answer, err := Greet(Greeting{Name: "Ada"})
//
// Settings, keys, lines and events work as they do in a host. All other verbs answer what On says, and
// `unavailable` without it.
package omnicoretest

import (
	"encoding/json"
	"fmt"
	"testing"

	"omnicore.example/sdk/door"
)

// Answer is what a door does with a request: a reply, or an error. A *door.Error arrives as it is.
type Answer func(request map[string]any) (reply any, err error)

// Call is one use of a door.
type Call struct {
	Verb    string // such as kv.get
	Request map[string]any
}

// Host has what a plugin meets behind its doors.
type Host struct {
	Settings map[string]any
	Keys     map[string]string
	Calls    []Call

	versions map[string]int64
	last     int64
	answers  map[string]Answer
}

// New opens a host for this test and closes it after. Tests that use one cannot run side by side.
func New(t testing.TB) *Host {
	t.Helper()
	host := &Host{
		Settings: map[string]any{},
		Keys:     map[string]string{},
		versions: map[string]int64{},
		answers:  map[string]Answer{},
	}
	before := door.Outside
	door.Outside = host.answer
	t.Cleanup(func() { door.Outside = before })
	return host
}

// On answers a verb such as http.fetch.
func (h *Host) On(verb string, answer Answer) { h.answers[verb] = answer }

// OnTyped answers a verb with a function that takes the request as a struct. The fakes of `omnicore kit` use it.
func OnTyped[Request any](host *Host, verb string, answer func(request Request) (reply any, err error)) {
	host.On(verb, func(asked map[string]any) (any, error) {
		var request Request
		text, _ := json.Marshal(asked) // it came as JSON
		if err := json.Unmarshal(text, &request); err != nil {
			panic(fmt.Errorf("the request to %s does not fit: %w", verb, err)) // the kit wrote it
		}
		return answer(request)
	})
}

// Close lets a verb refuse, as a host does before somebody grants it.
func (h *Host) Close(verb string) {
	h.On(verb, func(map[string]any) (any, error) {
		return nil, &door.Error{
			Code:    "permission-denied",
			Message: fmt.Sprintf("the plugin has no grant for %s", verb),
			Remedy:  "open it in the test",
		}
	})
}

func (h *Host) answer(verb string, request []byte) []byte {
	asked := map[string]any{}
	if err := json.Unmarshal(request, &asked); err != nil {
		panic(err) // the kit wrote it
	}
	h.Calls = append(h.Calls, Call{verb, asked})
	reply, err := h.answerOf(verb)(asked)
	if err != nil {
		refused, known := err.(*door.Error)
		if !known {
			refused = &door.Error{Code: "unavailable", Message: err.Error()}
		}
		reply = map[string]any{"error": refused}
	}
	text, err := json.Marshal(reply)
	if err != nil {
		panic(fmt.Errorf("what the test answers to %s has no JSON: %w", verb, err))
	}
	return text
}

func (h *Host) answerOf(verb string) Answer {
	if answer, there := h.answers[verb]; there {
		return answer
	}
	if answer, there := h.known()[verb]; there {
		return answer
	}
	return func(map[string]any) (any, error) {
		return nil, fmt.Errorf("nothing answers %s; say what does with host.On(%q, ...)", verb, verb)
	}
}
