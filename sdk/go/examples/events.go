// Publishes an event. Needs a grant for events with its topic.
package main

import "omnicore/sdk/events"

// Paid says which invoice.
type Paid struct {
	Invoice string  `json:"invoice"`
	Amount  float64 `json:"amount" min:"0"`
}

// Pay tells all who subscribed to invoice.paid, and gives the event's id.
//
//omnicore:export
func Pay(paid Paid) (string, error) {
	return events.Publish("invoice.paid", paid)
}
