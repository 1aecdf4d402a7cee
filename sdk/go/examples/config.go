// Reads the plugin's settings; nobody has to grant that.
package main

import (
	"strings"

	"omnicore.example/sdk/config"
)

// Sign adds a signature, setting `signature`, to a text. Setting `loud`: in upper case.
//
//omnicore:export
func Sign(text string) (string, error) {
	signature, err := config.Get("signature")
	if err != nil {
		return "", err
	}
	signed := text + "\n" + signature.TextOr("Yours")
	loud, err := config.Get("loud")
	if err != nil {
		return "", err
	}
	var shout bool
	if loud.Decode(&shout) == nil && shout {
		signed = strings.ToUpper(signed)
	}
	return signed, nil
}
