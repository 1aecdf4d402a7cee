package omnicore

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// Schema is what a type with JSON of its own writes to describe it: func (Color) JSONSchema() omnicore.Schema.
type Schema = map[string]any

var (
	describer = reflect.TypeFor[interface{ JSONSchema() Schema }]()
	marshaler = reflect.TypeFor[json.Marshaler]()
	texter    = reflect.TypeFor[encoding.TextMarshaler]()
)

// schema follows encoding/json. A type inside of itself is any object there, so that the schema has an end.
func schema(kind reflect.Type, outer []reflect.Type) Schema {
	if found := ownSchema(kind); found != nil {
		return found
	}
	switch kind.Kind() {
	case reflect.Pointer:
		return nullable(schema(kind.Elem(), outer))
	case reflect.Slice:
		if kind.Elem().Kind() == reflect.Uint8 {
			return Schema{"type": "string", "contentEncoding": "base64"}
		}
		return Schema{"type": "array", "items": schema(kind.Elem(), outer)}
	case reflect.Array:
		return Schema{"type": "array", "items": schema(kind.Elem(), outer), "minItems": kind.Len(), "maxItems": kind.Len()}
	case reflect.Map:
		return Schema{"type": "object", "additionalProperties": schema(kind.Elem(), outer)}
	case reflect.Struct:
		if slices.Contains(outer, kind) {
			return Schema{"type": "object"}
		}
		return structSchema(kind, append(slices.Clone(outer), kind))
	}
	return plain(kind.Kind())
}

// ownSchema is what a type says of itself, or nil for one that encoding/json takes apart.
func ownSchema(kind reflect.Type) Schema {
	switch {
	case kind.Kind() == reflect.Pointer:
		return nil
	case kind.Implements(describer):
		return reflect.Zero(kind).Interface().(interface{ JSONSchema() Schema }).JSONSchema()
	case kind.PkgPath() == "time" && kind.Name() == "Time":
		return Schema{"type": "string", "format": "date-time"}
	case kind.Implements(marshaler) || reflect.PointerTo(kind).Implements(marshaler):
		return Schema{}
	case kind.Implements(texter) || reflect.PointerTo(kind).Implements(texter):
		return Schema{"type": "string"}
	}
	return nil
}

func plain(kind reflect.Kind) Schema {
	switch {
	case kind == reflect.String:
		return Schema{"type": "string"}
	case kind == reflect.Bool:
		return Schema{"type": "boolean"}
	case kind >= reflect.Int && kind <= reflect.Int64:
		return Schema{"type": "integer"}
	case kind >= reflect.Uint && kind <= reflect.Uintptr:
		return Schema{"type": "integer", "minimum": 0}
	case kind == reflect.Float32 || kind == reflect.Float64:
		return Schema{"type": "number"}
	}
	return Schema{}
}

func nullable(inner Schema) Schema {
	if name, plain := inner["type"].(string); plain {
		inner["type"] = []string{name, "null"}
	}
	return inner
}

func structSchema(kind reflect.Type, outer []reflect.Type) Schema {
	properties, required := Schema{}, []string{}
	addFields(kind, outer, properties, &required)
	found := Schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		found["required"] = required
	}
	return found
}

func addFields(kind reflect.Type, outer []reflect.Type, properties Schema, required *[]string) {
	for i := range kind.NumField() {
		field := kind.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" && options == "" || !field.IsExported() && !field.Anonymous:
			continue
		case field.Anonymous && name == "" && structOf(field.Type) != nil:
			addFields(structOf(field.Type), outer, properties, required)
			continue
		case name == "":
			name = field.Name
		}
		empty := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		inner := field.Type
		if empty && inner.Kind() == reflect.Pointer {
			inner = inner.Elem() // left out instead of null
		}
		property := schema(inner, outer)
		if strings.Contains(options, "string") {
			property = Schema{"type": "string"}
		}
		withTags(property, field.Tag)
		properties[name] = property
		if _, filled := property["default"]; !empty && !filled && field.Type.Kind() != reflect.Pointer {
			*required = append(*required, name)
		}
	}
}

func structOf(kind reflect.Type) reflect.Type {
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if kind.Kind() != reflect.Struct {
		return nil
	}
	return kind
}
