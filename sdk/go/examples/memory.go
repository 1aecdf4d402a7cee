// Remembers and recalls. Needs a grant for memory.
package main

import (
	omnicore "omnicore.example/sdk"
	"omnicore.example/sdk/memory"
)

// Remember keeps a text and gives its id.
//
//omnicore:export
func Remember(text string) (string, error) {
	return memory.Store(text, &memory.StoreOptions{
		Importance: omnicore.Some(0.8),
		Metadata:   map[string]any{"by": "example"},
	})
}

// Recall gives the three texts that fit best.
//
//omnicore:export
func Recall(text string) ([]string, error) {
	items, err := memory.Recall(&memory.RecallOptions{Text: text, Limit: omnicore.Some[int64](3)})
	found := []string{}
	for _, item := range items {
		found = append(found, item.Text)
	}
	return found, err
}
