// Asks a server. Needs a grant for http with its host.
package main

import (
	"encoding/json"
	"errors"
	"fmt"

	omnicore "omnicore.example/sdk"
	"omnicore.example/sdk/http"
)

// Page is an address and what is posted to it.
type Page struct {
	URL  string         `json:"url"`
	Data map[string]any `json:"data,omitempty"`
}

// Post sends JSON and gives the answer's text.
//
//omnicore:export
func Post(page Page) (string, error) {
	body, err := json.Marshal(page.Data)
	if err != nil {
		return "", err
	}
	answer, err := http.Fetch(page.URL, &http.FetchOptions{
		Method:  "POST",
		Headers: map[string]string{"content-type": "application/json"},
		Body:    body,
	})
	var refused *omnicore.DoorError
	if errors.As(err, &refused) && refused.Code == "unavailable" {
		return "", fmt.Errorf("%s does not answer", page.URL)
	}
	if err != nil {
		return "", err
	}
	if answer.Status >= 400 {
		return "", fmt.Errorf("%s answered with status %d", page.URL, answer.Status)
	}
	return string(answer.Body), nil
}
