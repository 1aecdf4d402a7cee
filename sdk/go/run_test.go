package omnicore

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

type order struct {
	Item  string `json:"item"`
	Count int    `json:"count" default:"3"`
	Inner struct {
		Word string `json:"word" default:"a \"b\""`
	} `json:"inner"`
}

// ran gives what a call of the function would: its output, or its error with code 1.
func ran[In, Out any](t *testing.T, function func(In) (Out, error), data string) (string, string) {
	t.Helper()
	outside.input, outside.output, outside.failure = []byte(data), nil, ""
	if code := Run(function); (code != 0) != (outside.failure != "") {
		t.Fatalf("code %d with the error %q", code, outside.failure)
	}
	return string(outside.output), outside.failure
}

func TestTextAndBytesPassAsTheyAre(t *testing.T) {
	text, _ := ran(t, Plain(strings.ToUpper), `"é`)
	bytes, _ := ran(t, Plain(func(in []byte) []byte { return in }), "\xff\x00")
	if text != `"É` || bytes != "\xff\x00" {
		t.Fatalf("%q %q", text, bytes)
	}
}

func TestAllElseIsJSONWithDefaultsFilledIn(t *testing.T) {
	same := Plain(func(in order) order { return in })
	got, _ := ran(t, same, `{"item": "<a>"}`)
	if got != `{"item":"<a>","count":3,"inner":{"word":"a \"b\""}}` {
		t.Fatal(got)
	}
	if got, _ = ran(t, same, `{"item": "b", "count": 0, "inner": {"word": ""}}`); !strings.Contains(got, `"count":0`) {
		t.Fatal(got)
	}
}

func TestWhatIsNotThereIsEmpty(t *testing.T) {
	given, _ := ran(t, Source(func() (int, error) { return 7, nil }), "")
	taken, failure := ran(t, Sink(func(int) error { return nil }), "8")
	if given != "7" || taken != "" || failure != "" {
		t.Fatal(given, taken, failure)
	}
}

func TestErrorsAndPanicsBecomeTheErrorOfTheCall(t *testing.T) {
	_, failure := ran(t, func(string) (string, error) { return "", errors.New("no air") }, "")
	if failure != "no air" {
		t.Fatal(failure)
	}
	_, failure = ran(t, Plain(func(at int) int { return []int{1}[at] }), "5")
	if !strings.HasPrefix(failure, "panic: runtime error: index out of range [5] with length 1 (run_test.go:") {
		t.Fatal(failure)
	}
	_, failure = ran(t, Plain(func(int) int { panic("by hand") }), "5")
	if !strings.HasPrefix(failure, "panic: by hand (run_test.go:") {
		t.Fatal(failure)
	}
}

func TestInputThatIsNoJSONIsNamed(t *testing.T) {
	if _, failure := ran(t, Plain(func(in order) int { return 0 }), `{"item": 5}`); !strings.Contains(failure, "item") {
		t.Fatal(failure)
	}
	if _, failure := ran(t, Plain(func(int) func() { return nil }), "1"); !strings.Contains(failure, "cannot be written") {
		t.Fatal(failure)
	}
}

func TestDescribeGivesAManifest(t *testing.T) {
	outside.output = nil
	if code := Describe(About("place", "Takes an order.", Plain(func(order) string { return "" }))); code != 0 {
		t.Fatal(outside.failure)
	}
	var said struct {
		Functions map[string]struct {
			Description string
			Input       map[string]any
			InputMedia  string `json:"input_media"`
			OutputMedia string `json:"output_media"`
		}
	}
	if err := json.Unmarshal(outside.output, &said); err != nil {
		t.Fatal(err)
	}
	place := said.Functions["place"]
	if place.Description != "Takes an order." || place.InputMedia != "application/json" || place.OutputMedia != "text/plain" {
		t.Fatal(place)
	}
}
