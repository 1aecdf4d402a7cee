// A plain WASI command: standard input in upper case to standard output. A first line `exit N` ends it with N.
package main

import (
	"bytes"
	"io"
	"os"
	"strconv"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		os.Exit(1)
	}
	if rest, found := bytes.CutPrefix(text, []byte("exit ")); found {
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		code, _ := strconv.Atoi(string(bytes.TrimSpace(line)))
		os.Stderr.WriteString("asked to end with " + strconv.Itoa(code) + "\n")
		os.Exit(code)
	}
	os.Stdout.Write(bytes.ToUpper(text))
}
