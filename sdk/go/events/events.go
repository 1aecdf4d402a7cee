// Made from specs/doors by `python -m sdk.generate`; change it there.
// Code generated from specs/doors. DO NOT EDIT.

// Package events: publish events and hear them.
package events

import "omnicore.example/sdk/door"

// Subscription: A function of the plugin that hears a topic.
type Subscription struct {
	// given by the host
	ID string `json:"id"`
	// the pattern
	Topic string `json:"topic"`
	// which is called with each event
	Function string `json:"function"`
}

// Publish: Hands an event to whoever subscribed; returns its id. At most 100 a second.
func Publish(topic string, data any) (string, error) {
	request := struct {
		Topic string `json:"topic"`
		Data  any    `json:"data"`
	}{topic, data}
	reply, err := door.Call[struct {
		ID string `json:"id"`
	}](door.EventsPublish, request)
	return reply.ID, err
}

// Subscribe: Lets the host call a function of this plugin with each event; the same again is the same one.
func Subscribe(topic string, function string) (string, error) {
	request := struct {
		Topic    string `json:"topic"`
		Function string `json:"function"`
	}{topic, function}
	reply, err := door.Call[struct {
		ID string `json:"id"`
	}](door.EventsSubscribe, request)
	return reply.ID, err
}

// Unsubscribe: Ends a subscription; returns whether there was one.
func Unsubscribe(id string) (bool, error) {
	request := struct {
		ID string `json:"id"`
	}{id}
	reply, err := door.Call[struct {
		Removed bool `json:"removed"`
	}](door.EventsUnsubscribe, request)
	return reply.Removed, err
}

// Subscriptions: All subscriptions of this plugin, oldest first.
func Subscriptions() ([]Subscription, error) {
	request := struct{}{}
	reply, err := door.Call[struct {
		Items []Subscription `json:"items"`
	}](door.EventsSubscriptions, request)
	return reply.Items, err
}
