// Uses services the host is connected to, without ever seeing their passwords. Needs a grant for connectors.
package main

import (
	omnicore "omnicore.example/sdk"
	"omnicore.example/sdk/connectors"
)

// Names gives the connectors that may be used.
//
//omnicore:export
func Names() ([]string, error) {
	found, err := connectors.List()
	names := []string{}
	for _, one := range found {
		names = append(names, one.Name)
	}
	return names, err
}

// Rows asks the database `shop` and gives what came back as it is.
//
//omnicore:export
func Rows(sql string) (omnicore.Value, error) {
	return connectors.Call("shop", "query", &connectors.CallOptions{Input: map[string]any{"sql": sql}})
}
