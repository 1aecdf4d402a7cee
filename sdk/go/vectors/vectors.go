// Made from specs/doors by `python -m sdk.generate`; change it there.
// Code generated from specs/doors. DO NOT EDIT.

// Package vectors: keep vectors and find the nearest.
package vectors

import "omnicore.example/sdk/door"

// Metric: How far two vectors are apart.
type Metric string

// Metric is one of these.
const (
	MetricCosine Metric = "cosine"
	MetricL2     Metric = "l2"
	MetricDot    Metric = "dot"
)

// Vector: A vector to keep.
type Vector struct {
	// chosen by the plugin, 1 to 256 bytes; a second one with it replaces the first
	ID string `json:"id"`
	// as many as the collection has dimensions, all finite
	Values []float64 `json:"values"`
	// at most 16 KiB
	Metadata map[string]any `json:"metadata,omitempty"`
}

// Match: A vector that was found.
type Match struct {
	// as it was kept
	ID string `json:"id"`
	// 0 is the same; by the collection's metric
	Distance float64 `json:"distance"`
	// as it was kept
	Metadata map[string]any `json:"metadata"`
}

// Matches: What a search found.
type Matches struct {
	// nearest first
	Matches []Match `json:"matches"`
	// false when an index answered, which may miss some
	Exact bool `json:"exact"`
}

// CreateOptions is what may be left out of Create.
type CreateOptions struct {
	// `cosine` when left out
	Metric Metric `json:"metric,omitempty"`
}

// Create: Makes a collection; returns whether it is new. One that is there must have the same shape.
func Create(collection string, dimensions int64, options *CreateOptions) (bool, error) {
	request := struct {
		Collection string `json:"collection"`
		Dimensions int64  `json:"dimensions"`
		*CreateOptions
	}{collection, dimensions, options}
	reply, err := door.Call[struct {
		Created bool `json:"created"`
	}](door.VectorsCreate, request)
	return reply.Created, err
}

// Upsert: Keeps vectors, all or none; returns how many.
func Upsert(collection string, vectors []Vector) (int64, error) {
	request := struct {
		Collection string   `json:"collection"`
		Vectors    []Vector `json:"vectors"`
	}{collection, vectors}
	reply, err := door.Call[struct {
		Count int64 `json:"count"`
	}](door.VectorsUpsert, request)
	return reply.Count, err
}

// SearchOptions is what may be left out of Search.
type SearchOptions struct {
	// 1 to 1000; 10 when left out
	Limit *int64 `json:"limit,omitempty"`
	// what the metadata must fulfil: equal values, or operators as in `docs/memory.md`
	Filter map[string]any `json:"filter,omitempty"`
}

// Search: The nearest vectors.
func Search(collection string, values []float64, options *SearchOptions) (Matches, error) {
	request := struct {
		Collection string    `json:"collection"`
		Values     []float64 `json:"values"`
		*SearchOptions
	}{collection, values, options}
	return door.Call[Matches](door.VectorsSearch, request)
}

// Delete: Deletes vectors; returns how many there were.
func Delete(collection string, ids []string) (int64, error) {
	request := struct {
		Collection string   `json:"collection"`
		IDs        []string `json:"ids"`
	}{collection, ids}
	reply, err := door.Call[struct {
		Deleted int64 `json:"deleted"`
	}](door.VectorsDelete, request)
	return reply.Deleted, err
}
