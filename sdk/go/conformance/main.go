// The conformance plugin: calls every door through the kit's own functions. See specs/conformance.
package main

import (
	"encoding/json"
	"errors"
	"fmt"

	omnicore "omnicore.example/sdk"
	"omnicore.example/sdk/door"
)

// Asked names a verb of a door and what it is asked.
type Asked struct {
	Door    string     `json:"door"`
	Verb    string     `json:"verb"`
	Request door.Value `json:"request"`
}

// Door calls one verb of a door and shows what came back.
//
//omnicore:export
func Door(asked Asked) (map[string]any, error) {
	reply, err := dispatch(asked.Door+"."+asked.Verb, asked.Request)
	var refused *omnicore.DoorError
	if errors.As(err, &refused) {
		return map[string]any{"error": refused}, nil
	}
	return map[string]any{"reply": reply}, err
}

func with[In any](request door.Value, call func(In) (any, error)) (any, error) {
	var in In
	if err := request.Decode(&in); err != nil {
		return nil, fmt.Errorf("the request does not fit the kit: %w", err)
	}
	return call(in)
}

// whole is a reply, or for nothing each of its fields with null.
func whole[Reply any](reply *Reply, fields ...string) any {
	if reply != nil {
		return reply
	}
	nothing := map[string]json.RawMessage{}
	for _, field := range fields {
		nothing[field] = json.RawMessage("null")
	}
	return nothing
}
