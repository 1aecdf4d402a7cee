//go:build !wasip1

package omnicore

// Outside of a host, where tests of the kit itself call Run.
var outside struct {
	input, output []byte
	failure       string
}

func input() []byte { return outside.input }

func output(data []byte) { outside.output = data }

func fail(text string) { outside.failure = text }
