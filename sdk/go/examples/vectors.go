// Finds the nearest colour. Needs a grant for vectors with the collection `colours`.
package main

import (
	"errors"

	omnicore "omnicore.example/sdk"
	"omnicore.example/sdk/vectors"
)

var colours = []vectors.Vector{
	{ID: "red", Values: []float64{255, 0, 0}},
	{ID: "green", Values: []float64{0, 255, 0}},
	{ID: "blue", Values: []float64{0, 0, 255}},
}

// Nearest gives the name of the colour that is nearest to red, green and blue.
//
//omnicore:export
func Nearest(colour [3]float64) (string, error) {
	created, err := vectors.Create("colours", 3, &vectors.CreateOptions{Metric: vectors.MetricL2})
	if err == nil && created {
		_, err = vectors.Upsert("colours", colours)
	}
	if err != nil {
		return "", err
	}
	found, err := vectors.Search("colours", colour[:], &vectors.SearchOptions{Limit: omnicore.Some[int64](1)})
	if err != nil {
		return "", err
	}
	if len(found.Matches) == 0 {
		return "", errors.New("there are no colours")
	}
	return found.Matches[0].ID, nil
}
