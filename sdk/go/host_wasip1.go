package omnicore

import "github.com/extism/go-pdk"

func input() []byte { return pdk.Input() }

func output(data []byte) { pdk.Output(data) }

func fail(text string) { pdk.SetErrorString(text) }
