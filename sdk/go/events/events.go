// Made from specs/doors by `python -m sdk.generate`; change it there.
// Code generated from specs/doors. DO NOT EDIT.

// Package events: publish events.
package events

import "omnicore/sdk/door"

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
