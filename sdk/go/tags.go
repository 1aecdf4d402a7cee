package omnicore

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Which keyword min and max are, by the type they bound.
var bounds = map[string][2]string{
	"integer": {"minimum", "maximum"},
	"number":  {"minimum", "maximum"},
	"string":  {"minLength", "maxLength"},
	"array":   {"minItems", "maxItems"},
	"object":  {"minProperties", "maxProperties"},
}

// withTags adds what stands beside `json` in a field's tag: doc, min, max, pattern, enum:"a,b" and default.
func withTags(property Schema, tag reflect.StructTag) {
	if doc := tag.Get("doc"); doc != "" {
		property["description"] = doc
	}
	if pattern := tag.Get("pattern"); pattern != "" {
		property["pattern"] = pattern
	}
	if words := tag.Get("enum"); words != "" {
		property["enum"] = strings.Split(words, ",")
	}
	for i, name := range []string{"min", "max"} {
		if limit, err := strconv.ParseFloat(tag.Get(name), 64); err == nil {
			property[bounds[typeName(property)][i]] = limit
		}
	}
	if text, there := tag.Lookup("default"); there {
		property["default"] = json.RawMessage(defaultJSON(text, typeName(property)))
	}
}

func typeName(property Schema) string {
	switch name := property["type"].(type) {
	case string:
		return name
	case []string:
		return name[0]
	}
	return "number"
}

// defaultJSON is the JSON of a default: text stands in the tag without its quotes.
func defaultJSON(text, kind string) string {
	if kind != "string" {
		return text
	}
	quoted, _ := json.Marshal(text) // a text always has JSON
	return string(quoted)
}

// fill gives the fields that have a default their value, in the struct itself and in structs inside of it.
func fill(place any) error {
	return fillValue(reflect.ValueOf(place).Elem())
}

func fillValue(value reflect.Value) error {
	if value.Kind() != reflect.Struct {
		return nil
	}
	for i := range value.NumField() {
		field, kind := value.Field(i), value.Type().Field(i)
		if !kind.IsExported() {
			continue
		}
		if err := fillValue(field); err != nil {
			return err
		}
		if text, there := kind.Tag.Lookup("default"); there {
			wanted := defaultJSON(text, typeName(schema(kind.Type, nil)))
			if err := json.Unmarshal([]byte(wanted), field.Addr().Interface()); err != nil {
				return fmt.Errorf("the default of %s is no %s: %w", kind.Name, kind.Type, err)
			}
		}
	}
	return nil
}
