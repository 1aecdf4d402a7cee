// Made from specs/doors by `python -m sdk.generate`; change it there.
// Code generated from specs/doors. DO NOT EDIT.

// Package http: send http requests.
package http

import "omnicore.example/sdk/door"

// Response: An answer; a status of 400 and above is one, too.
type Response struct {
	// 100 to 599
	Status int64 `json:"status"`
	// by lower-case names, repeated ones joined by `, `
	Headers map[string]string `json:"headers"`
	// as it came
	Body door.Bytes `json:"body"`
}

// FetchOptions is what may be left out of Fetch.
type FetchOptions struct {
	// GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS; GET when left out
	Method string `json:"method,omitempty"`
	// those of the connection itself are the host's
	Headers map[string]string `json:"headers,omitempty"`
	// what is sent
	Body door.Bytes `json:"body,omitempty"`
}

// Fetch: Sends a request and waits for the whole answer.
func Fetch(url string, options *FetchOptions) (Response, error) {
	request := struct {
		URL string `json:"url"`
		*FetchOptions
	}{url, options}
	return door.Call[Response](door.HTTPFetch, request)
}
