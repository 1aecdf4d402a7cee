// Made from specs/doors by `python -m sdk.generate`; change it there.
// Code generated from specs/doors. DO NOT EDIT.

// Package memory: remember and recall by meaning, words and time.
package memory

import "omnicore.example/sdk/door"

// Item: Something remembered.
type Item struct {
	// given by the host
	ID string `json:"id"`
	// where it is kept, one of the twelve tiers
	Tier string `json:"tier"`
	// word for word what was stored
	Text string `json:"text"`
	// 0 to 1
	Importance float64 `json:"importance"`
	// seconds since the Unix epoch
	CreatedAt float64 `json:"created_at"`
	// what was stored with it
	Metadata map[string]any `json:"metadata"`
	// the probability that it answers, 0 to 1; null outside of a recall
	Score *float64 `json:"score"`
}

// StoreOptions is what may be left out of Store.
type StoreOptions struct {
	// one of the twelve tiers; `episodic` when left out
	Tier string `json:"tier,omitempty"`
	// 0 to 1; the host judges when it is left out
	Importance *float64 `json:"importance,omitempty"`
	// of the text; the host makes one when it is left out
	Embedding []float64 `json:"embedding,omitempty"`
	// at most 16 KiB; `speaker` and `session`, both text, say who said it in which conversation, which helps
	// recall
	Metadata map[string]any `json:"metadata,omitempty"`
	// when it was said, in seconds since the Unix epoch; now when left out
	SaidAt *float64 `json:"said_at,omitempty"`
	// the user whose it is; a recall with a user finds what is this user's and nothing else
	User string `json:"user,omitempty"`
	// the agent whose it is
	Agent string `json:"agent,omitempty"`
	// the session in which it was said
	Session string `json:"session,omitempty"`
	// the application whose it is
	App string `json:"app,omitempty"`
}

// Store: Remembers a text and returns its id. The same text again is the same memory.
func Store(text string, options *StoreOptions) (string, error) {
	request := struct {
		Text string `json:"text"`
		*StoreOptions
	}{text, options}
	reply, err := door.Call[struct {
		ID string `json:"id"`
	}](door.MemoryStore, request)
	return reply.ID, err
}

// RecallOptions is what may be left out of Recall.
type RecallOptions struct {
	// what is looked for; this or `embedding` must be there
	Text string `json:"text,omitempty"`
	// of what is looked for
	Embedding []float64 `json:"embedding,omitempty"`
	// where to look; all that are granted when left out
	Tiers []string `json:"tiers,omitempty"`
	// 1 to 100; 10 when left out
	Limit *int64 `json:"limit,omitempty"`
	// 0 to 1; only memories that answer with this probability
	MinScore *float64 `json:"min_score,omitempty"`
	// only what is this user's
	User string `json:"user,omitempty"`
	// the agent whose memories are asked for
	Agent string `json:"agent,omitempty"`
	// the session in which it was said
	Session string `json:"session,omitempty"`
	// the application whose memories are asked for
	App string `json:"app,omitempty"`
	// what the metadata must fulfil, such as `{"year": {"$gte": 2020}}`; `docs/memory.md` has the operators
	Filter map[string]any `json:"filter,omitempty"`
}

// Recall: The memories that fit best, best first.
func Recall(options *RecallOptions) ([]Item, error) {
	request := struct {
		*RecallOptions
	}{options}
	reply, err := door.Call[struct {
		Items []Item `json:"items"`
	}](door.MemoryRecall, request)
	return reply.Items, err
}

// Get: One memory, or nothing.
func Get(id string) (*Item, error) {
	request := struct {
		ID string `json:"id"`
	}{id}
	reply, err := door.Call[struct {
		Item *Item `json:"item"`
	}](door.MemoryGet, request)
	return reply.Item, err
}

// Forget: Forgets a memory; returns whether there was one.
func Forget(id string) (bool, error) {
	request := struct {
		ID string `json:"id"`
	}{id}
	reply, err := door.Call[struct {
		Forgotten bool `json:"forgotten"`
	}](door.MemoryForget, request)
	return reply.Forgotten, err
}
