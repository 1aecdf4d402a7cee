// Package door carries requests to the host and replies back. The packages of the doors, such as omnicore.example/sdk/kv,
// are made on top of it.
package door

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Verb is one thing a door does. What a plugin does not call is not in its imports.
type Verb struct {
	Name string // such as kv.get
	call func(request uint64) uint64
}

// Error is what a door answers when it refuses or fails.
type Error struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	Remedy     string `json:"remedy,omitempty"`
	Capability string `json:"capability,omitempty"`
	Resource   string `json:"resource,omitempty"`
	Limit      string `json:"limit,omitempty"`
}

// Error is the message, and what to do about it.
func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Message
	}
	return e.Message + "; " + e.Remedy
}

// Call sends a request and reads the reply. A refusal is an *Error.
func Call[Reply any](verb Verb, request any) (Reply, error) {
	var reply Reply
	text, err := ask(verb, request)
	if err != nil {
		return reply, err
	}
	if err := json.Unmarshal(text, &reply); err != nil {
		return reply, fmt.Errorf("the reply of %s cannot be read: %w", verb.Name, err)
	}
	return reply, nil
}

// CallMaybe is Call for a verb whose reply has only null fields where there is nothing; that is nil here.
func CallMaybe[Reply any](verb Verb, request any) (*Reply, error) {
	fields, err := Call[map[string]Value](verb, request)
	if err != nil {
		return nil, err
	}
	for _, field := range fields {
		if !field.IsNull() {
			var reply Reply
			text, _ := json.Marshal(fields) // it came as JSON
			err := json.Unmarshal(text, &reply)
			return &reply, err
		}
	}
	return nil, nil
}

func ask(verb Verb, request any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(request); err != nil {
		return nil, fmt.Errorf("the request to %s has no JSON: %w", verb.Name, err)
	}
	reply := exchange(verb, text.Bytes())
	var refusal struct {
		Error *Error `json:"error"`
	}
	// A look at the bytes first: most replies hold no error and are then read once.
	if bytes.Contains(reply, []byte(`"error"`)) && json.Unmarshal(reply, &refusal) == nil && refusal.Error != nil {
		return nil, refusal.Error
	}
	return reply, nil
}
