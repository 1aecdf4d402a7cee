package omnicore

import "reflect"

// Function is what a plugin says of one of its functions.
type Function struct {
	name string
	said map[string]any
}

// About describes a function: its JSON Schemas follow from its types.
func About[In, Out any](name, doc string, _ func(In) (Out, error)) Function {
	said := map[string]any{"description": doc}
	describe(said, "input", reflect.TypeFor[In]())
	describe(said, "output", reflect.TypeFor[Out]())
	return Function{name, said}
}

// Describe is the body of the export __omnicore_describe, which `omnicore build` calls to fill the manifest.
func Describe(functions ...Function) int32 {
	return Run(func(None) (any, error) {
		said := map[string]any{}
		for _, function := range functions {
			said[function.name] = function.said
		}
		return map[string]any{"functions": said}, nil
	})
}

func describe(said map[string]any, side string, kind reflect.Type) {
	switch kind {
	case reflect.TypeFor[None]():
	case reflect.TypeFor[[]byte]():
		said[side+"_media"] = "application/octet-stream"
	case reflect.TypeFor[string]():
		said[side] = map[string]any{"type": "string"}
		said[side+"_media"] = "text/plain"
	default:
		said[side] = schema(kind, nil)
		said[side+"_media"] = "application/json"
	}
}
