// Publishes an event. Needs a grant for events with its topic.
package main

import "omnicore.example/sdk/events"

// Paid says which invoice.
type Paid struct {
	Invoice string  `json:"invoice"`
	Amount  float64 `json:"amount" min:"0"`
}

// Event is what the host hands over.
type Event struct {
	Topic string `json:"topic"`
	Data  Paid   `json:"data"`
}

// Listen makes the host call heard with each event of invoice.*, and gives the subscription's id.
//
//omnicore:export
func Listen() (string, error) {
	return events.Subscribe("invoice.*", "heard")
}

// Heard is called by the host with each event.
//
//omnicore:export
func Heard(event Event) (string, error) {
	return event.Topic + ": " + event.Data.Invoice, nil
}

// Pay tells all who subscribed to invoice.paid, and gives the event's id.
//
//omnicore:export
func Pay(paid Paid) (string, error) {
	return events.Publish("invoice.paid", paid)
}
