// What plugins built with Extism's Go kit do, one export for each: see the table in tests/guests/README.md.
package main

import (
	"errors"
	"strconv"

	"github.com/extism/go-pdk"
)

//go:wasmimport extism:host/user hello_world
func helloWorld(name uint64) uint64

//go:wasmexport echo
func echo() int32 {
	pdk.Output(pdk.Input())
	return 0
}

//go:wasmexport greet
func greet() int32 {
	greeting, found := pdk.GetConfig("greeting")
	if !found {
		greeting = "Hello"
	}
	total, _ := strconv.Atoi(string(pdk.GetVar("total")))
	total += len(pdk.Input())
	pdk.SetVar("total", []byte(strconv.Itoa(total)))
	return output(struct {
		Greeting string `json:"greeting"`
		Total    int    `json:"total"`
	}{greeting, total})
}

//go:wasmexport fetch
func fetch() int32 {
	request := pdk.NewHTTPRequest(pdk.MethodGet, pdk.InputString())
	request.SetHeader("x-guest", "go")
	answer := request.Send()
	return output(struct {
		Status int    `json:"status"`
		Body   string `json:"body"`
	}{int(answer.Status()), string(answer.Body())})
}

//go:wasmexport headers
func headers() int32 {
	answer := pdk.NewHTTPRequest(pdk.MethodGet, pdk.InputString()).Send()
	return output(answer.Headers())
}

//go:wasmexport log
func log() int32 {
	text := pdk.InputString()
	pdk.Log(pdk.LogTrace, "trace "+text)
	pdk.Log(pdk.LogDebug, "debug "+text)
	pdk.Log(pdk.LogInfo, "info "+text)
	pdk.Log(pdk.LogWarn, "warn "+text)
	pdk.Log(pdk.LogError, "error "+text)
	return 0
}

//go:wasmexport fail
func fail() int32 {
	pdk.SetError(errors.New(pdk.InputString()))
	return 1
}

//go:wasmexport code
func code() int32 { return 7 }

//go:wasmexport panics
func panics() int32 { panic(pdk.InputString()) }

//go:wasmexport hello
func hello() int32 {
	name := pdk.AllocateString(pdk.InputString())
	answer := pdk.FindMemory(helloWorld(name.Offset()))
	pdk.Output(answer.ReadBytes())
	return 0
}

//go:wasmexport forget
func forget() int32 {
	pdk.RemoveVar("total")
	return 0
}

// grow takes that many bytes of memory, uses them and says how many it has.
//
//go:wasmexport grow
func grow() int32 {
	size, _ := strconv.Atoi(pdk.InputString())
	block := make([]byte, size)
	sum := 0
	for i := range block {
		block[i] = 1
		sum += int(block[i])
	}
	pdk.OutputString(strconv.Itoa(sum))
	return 0
}

//go:wasmexport spin
func spin() int32 {
	for {
	}
}

func output(value any) int32 {
	if err := pdk.OutputJSON(value); err != nil {
		pdk.SetError(err)
		return 1
	}
	return 0
}

func main() {}
