// Made from specs/doors by `python -m sdk.generate`; change it there.
// Code generated from specs/doors. DO NOT EDIT.

// Package kv: keep keys and values between calls.
package kv

import "omnicore.example/sdk/door"

// Entry: A value and its version.
type Entry struct {
	// what was put
	Value door.Bytes `json:"value"`
	// changes with every write
	Version int64 `json:"version"`
}

// Page: Some of the keys.
type Page struct {
	// in the order of their bytes
	Keys []string `json:"keys"`
	// for the next page; null after the last
	Cursor *string `json:"cursor"`
}

// Swap: What a conditional write did.
type Swap struct {
	// whether the value was written
	Swapped bool `json:"swapped"`
	// the one that stands now; null when there is no value
	Version *int64 `json:"version"`
}

// Get: The value of a key, or nothing.
func Get(key string) (*Entry, error) {
	request := struct {
		Key string `json:"key"`
	}{key}
	return door.CallMaybe[Entry](door.KVGet, request)
}

// PutOptions is what may be left out of Put.
type PutOptions struct {
	// seconds after which the value is gone
	TTLSeconds *float64 `json:"ttl_s,omitempty"`
}

// Put: Writes a value and returns its new version.
func Put(key string, value []byte, options *PutOptions) (int64, error) {
	request := struct {
		Key   string     `json:"key"`
		Value door.Bytes `json:"value"`
		*PutOptions
	}{key, value, options}
	reply, err := door.Call[struct {
		Version int64 `json:"version"`
	}](door.KVPut, request)
	return reply.Version, err
}

// Delete: Deletes a key; returns whether there was something.
func Delete(key string) (bool, error) {
	request := struct {
		Key string `json:"key"`
	}{key}
	reply, err := door.Call[struct {
		Deleted bool `json:"deleted"`
	}](door.KVDelete, request)
	return reply.Deleted, err
}

// ListOptions is what may be left out of List.
type ListOptions struct {
	// how the keys begin
	Prefix string `json:"prefix,omitempty"`
	// 1 to 1000; 100 when left out
	Limit *int64 `json:"limit,omitempty"`
	// of the page before
	Cursor string `json:"cursor,omitempty"`
}

// List: A page of keys, in the order of their bytes.
func List(options *ListOptions) (Page, error) {
	request := struct {
		*ListOptions
	}{options}
	return door.Call[Page](door.KVList, request)
}

// CASOptions is what may be left out of CAS.
type CASOptions struct {
	// seconds after which the value is gone
	TTLSeconds *float64 `json:"ttl_s,omitempty"`
}

// CAS: Writes only if the version is still the expected one, or with null only if the key does not exist.
func CAS(key string, expected *int64, value []byte, options *CASOptions) (Swap, error) {
	request := struct {
		Key      string     `json:"key"`
		Expected *int64     `json:"expected"`
		Value    door.Bytes `json:"value"`
		*CASOptions
	}{key, expected, value, options}
	return door.Call[Swap](door.KVCAS, request)
}
