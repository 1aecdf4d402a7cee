// Package omnicore makes plugins for OmniCore with Go's own compiler.
//
// Write functions and mark what callers may call; `omnicore build` does the rest:
//
//	// Greet greets somebody.
//	//
//	//omnicore:export
//	func Greet(in Greeting) (Answer, error) { ... }
//
// The doors to the host are packages beside this one: omnicore.example/sdk/kv, omnicore.example/sdk/http and so on.
package omnicore

import (
	"bytes"
	"encoding/json"
	"fmt"

	"omnicore.example/sdk/door"
)

// DoorError is what a door answers when it refuses or fails; find it with errors.As.
type DoorError = door.Error

// Value is any JSON value, as it came.
type Value = door.Value

// None is the input of a function that takes nothing, or the output of one that gives nothing.
type None struct{}

// Some gives a number or a truth to an optional field: kv.PutOptions{TTLSeconds: omnicore.Some(60.0)}.
func Some[T any](value T) *T { return &value }

// Run is the body of an export: it reads the input, calls the function and hands over what it gives.
//
// A string is the text itself and a []byte the bytes themselves; all else is JSON. An error becomes the error of
// the call, and so does a panic, with its place in the source. What Go cannot recover (no memory left, a stack
// without end, a panic in another goroutine) ends the instance.
func Run[In, Out any](function func(In) (Out, error)) (code int32) {
	defer func() {
		if reason := recover(); reason != nil {
			code = failed(fmt.Sprintf("panic: %v%s", reason, place()))
		}
	}()
	in, err := decoded[In](input())
	if err != nil {
		return failed("the input cannot be read: " + err.Error())
	}
	out, err := function(in)
	if err != nil {
		return failed(err.Error())
	}
	text, err := encoded(out)
	if err != nil {
		return failed("the output cannot be written: " + err.Error())
	}
	output(text)
	return 0
}

// Plain makes a function that cannot fail fit for Run.
func Plain[In, Out any](function func(In) Out) func(In) (Out, error) {
	return func(in In) (Out, error) { return function(in), nil }
}

// Source makes a function without an input fit for Run.
func Source[Out any](function func() (Out, error)) func(None) (Out, error) {
	return func(None) (Out, error) { return function() }
}

// Sink makes a function without an output fit for Run.
func Sink[In any](function func(In) error) func(In) (None, error) {
	return func(in In) (None, error) { return None{}, function(in) }
}

func failed(text string) int32 {
	fail(text)
	return 1
}

func decoded[In any](data []byte) (in In, err error) {
	switch place := any(&in).(type) {
	case *None:
	case *string:
		*place = string(data)
	case *[]byte:
		*place = data
	default:
		if err = fill(place); err == nil {
			err = json.Unmarshal(data, place)
		}
	}
	return in, err
}

func encoded(out any) ([]byte, error) {
	switch value := out.(type) {
	case None:
		return nil, nil
	case string:
		return []byte(value), nil
	case []byte:
		return value, nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(out)
	return bytes.TrimRight(text.Bytes(), "\n"), err
}
