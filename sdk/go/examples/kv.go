// Counts visits, and forgets a visitor after a day. Needs a grant for kv.
package main

import (
	"errors"
	"strconv"

	omnicore "omnicore.example/sdk"
	"omnicore.example/sdk/kv"
)

// Visitor has a name.
type Visitor struct {
	Name string `json:"name" min:"1" max:"100"`
}

// Visits says how often.
type Visits struct {
	Count int `json:"count"`
}

// Visit counts one more; of two at once none is lost.
//
//omnicore:export
func Visit(who Visitor) (Visits, error) {
	for range 16 {
		entry, err := kv.Get("visits:" + who.Name)
		if err != nil {
			return Visits{}, err
		}
		count := 1
		var expected *int64 // nil: only if the key is not there yet
		if entry != nil {
			before, _ := strconv.Atoi(string(entry.Value)) // nobody else writes here
			count, expected = before+1, &entry.Version
		}
		day := &kv.CASOptions{TTLSeconds: omnicore.Some(86400.0)}
		done, err := kv.CAS("visits:"+who.Name, expected, []byte(strconv.Itoa(count)), day)
		if err != nil || done.Swapped {
			return Visits{count}, err
		}
	}
	return Visits{}, errors.New("too many visits at once; try again")
}
