// Made from specs/doors by `python -m sdk.generate`; change it there.
// Code generated from specs/doors. DO NOT EDIT.

package main

import (
	"fmt"

	"omnicore.example/sdk/config"
	"omnicore.example/sdk/connectors"
	"omnicore.example/sdk/door"
	"omnicore.example/sdk/events"
	"omnicore.example/sdk/http"
	"omnicore.example/sdk/kv"
	"omnicore.example/sdk/log"
	"omnicore.example/sdk/memory"
	"omnicore.example/sdk/tasks"
	"omnicore.example/sdk/vectors"
)

func dispatch(verb string, request door.Value) (any, error) {
	switch verb {
	case "log.write":
		return with(request, func(in struct {
			Level   log.Level `json:"level"`
			Message string    `json:"message"`
			log.WriteOptions
		}) (any, error) {
			return struct{}{}, log.Write(in.Level, in.Message, &in.WriteOptions)
		})
	case "config.get":
		return with(request, func(in struct {
			Key string `json:"key"`
		}) (any, error) {
			reply, err := config.Get(in.Key)
			return map[string]any{"value": reply}, err
		})
	case "config.all":
		return with(request, func(_ struct{}) (any, error) {
			reply, err := config.All()
			return map[string]any{"values": reply}, err
		})
	case "kv.get":
		return with(request, func(in struct {
			Key string `json:"key"`
		}) (any, error) {
			reply, err := kv.Get(in.Key)
			return whole(reply, "value", "version"), err
		})
	case "kv.put":
		return with(request, func(in struct {
			Key   string     `json:"key"`
			Value door.Bytes `json:"value"`
			kv.PutOptions
		}) (any, error) {
			reply, err := kv.Put(in.Key, in.Value, &in.PutOptions)
			return map[string]any{"version": reply}, err
		})
	case "kv.delete":
		return with(request, func(in struct {
			Key string `json:"key"`
		}) (any, error) {
			reply, err := kv.Delete(in.Key)
			return map[string]any{"deleted": reply}, err
		})
	case "kv.list":
		return with(request, func(in struct {
			kv.ListOptions
		}) (any, error) {
			return kv.List(&in.ListOptions)
		})
	case "kv.cas":
		return with(request, func(in struct {
			Key      string     `json:"key"`
			Expected *int64     `json:"expected"`
			Value    door.Bytes `json:"value"`
			kv.CASOptions
		}) (any, error) {
			return kv.CAS(in.Key, in.Expected, in.Value, &in.CASOptions)
		})
	case "http.fetch":
		return with(request, func(in struct {
			URL string `json:"url"`
			http.FetchOptions
		}) (any, error) {
			return http.Fetch(in.URL, &in.FetchOptions)
		})
	case "events.publish":
		return with(request, func(in struct {
			Topic string     `json:"topic"`
			Data  door.Value `json:"data"`
		}) (any, error) {
			reply, err := events.Publish(in.Topic, in.Data)
			return map[string]any{"id": reply}, err
		})
	case "events.subscribe":
		return with(request, func(in struct {
			Topic    string `json:"topic"`
			Function string `json:"function"`
		}) (any, error) {
			reply, err := events.Subscribe(in.Topic, in.Function)
			return map[string]any{"id": reply}, err
		})
	case "events.unsubscribe":
		return with(request, func(in struct {
			ID string `json:"id"`
		}) (any, error) {
			reply, err := events.Unsubscribe(in.ID)
			return map[string]any{"removed": reply}, err
		})
	case "events.subscriptions":
		return with(request, func(_ struct{}) (any, error) {
			reply, err := events.Subscriptions()
			return map[string]any{"items": reply}, err
		})
	case "tasks.submit":
		return with(request, func(in struct {
			Function string `json:"function"`
			tasks.SubmitOptions
		}) (any, error) {
			reply, err := tasks.Submit(in.Function, &in.SubmitOptions)
			return map[string]any{"id": reply}, err
		})
	case "tasks.get":
		return with(request, func(in struct {
			ID string `json:"id"`
		}) (any, error) {
			reply, err := tasks.Get(in.ID)
			return map[string]any{"task": reply}, err
		})
	case "tasks.list":
		return with(request, func(in struct {
			tasks.ListOptions
		}) (any, error) {
			return tasks.List(&in.ListOptions)
		})
	case "tasks.cancel":
		return with(request, func(in struct {
			ID string `json:"id"`
		}) (any, error) {
			reply, err := tasks.Cancel(in.ID)
			return map[string]any{"cancelled": reply}, err
		})
	case "memory.store":
		return with(request, func(in struct {
			Text string `json:"text"`
			memory.StoreOptions
		}) (any, error) {
			reply, err := memory.Store(in.Text, &in.StoreOptions)
			return map[string]any{"id": reply}, err
		})
	case "memory.recall":
		return with(request, func(in struct {
			memory.RecallOptions
		}) (any, error) {
			reply, err := memory.Recall(&in.RecallOptions)
			return map[string]any{"items": reply}, err
		})
	case "memory.get":
		return with(request, func(in struct {
			ID string `json:"id"`
		}) (any, error) {
			reply, err := memory.Get(in.ID)
			return map[string]any{"item": reply}, err
		})
	case "memory.forget":
		return with(request, func(in struct {
			ID string `json:"id"`
		}) (any, error) {
			reply, err := memory.Forget(in.ID)
			return map[string]any{"forgotten": reply}, err
		})
	case "vectors.create":
		return with(request, func(in struct {
			Collection string `json:"collection"`
			Dimensions int64  `json:"dimensions"`
			vectors.CreateOptions
		}) (any, error) {
			reply, err := vectors.Create(in.Collection, in.Dimensions, &in.CreateOptions)
			return map[string]any{"created": reply}, err
		})
	case "vectors.upsert":
		return with(request, func(in struct {
			Collection string           `json:"collection"`
			Vectors    []vectors.Vector `json:"vectors"`
		}) (any, error) {
			reply, err := vectors.Upsert(in.Collection, in.Vectors)
			return map[string]any{"count": reply}, err
		})
	case "vectors.search":
		return with(request, func(in struct {
			Collection string    `json:"collection"`
			Values     []float64 `json:"values"`
			vectors.SearchOptions
		}) (any, error) {
			return vectors.Search(in.Collection, in.Values, &in.SearchOptions)
		})
	case "vectors.delete":
		return with(request, func(in struct {
			Collection string   `json:"collection"`
			IDs        []string `json:"ids"`
		}) (any, error) {
			reply, err := vectors.Delete(in.Collection, in.IDs)
			return map[string]any{"deleted": reply}, err
		})
	case "connectors.list":
		return with(request, func(_ struct{}) (any, error) {
			reply, err := connectors.List()
			return map[string]any{"connectors": reply}, err
		})
	case "connectors.call":
		return with(request, func(in struct {
			Connector string `json:"connector"`
			Action    string `json:"action"`
			connectors.CallOptions
		}) (any, error) {
			reply, err := connectors.Call(in.Connector, in.Action, &in.CallOptions)
			return map[string]any{"output": reply}, err
		})
	}
	return nil, fmt.Errorf("there is no verb %s", verb)
}
