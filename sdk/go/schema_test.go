package omnicore

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

type colour string

func (colour) JSONSchema() Schema { return Schema{"enum": []string{"red", "blue"}} }

type base struct {
	ID string `json:"id" pattern:"^[a-z]+$"`
}

type tree struct {
	base
	Count    uint              `json:"count" min:"1" max:"9" doc:"how many"`
	Share    *float64          `json:"share"`
	Note     *string           `json:"note,omitempty"`
	Names    []string          `json:"names" max:"3"`
	Pair     [2]int            `json:"pair"`
	Labels   map[string]bool   `json:"labels,omitempty"`
	Kind     string            `json:"kind" enum:"a,b" default:"a"`
	Colour   colour            `json:"colour"`
	Raw      json.RawMessage   `json:"raw,omitempty"`
	Any      any               `json:"any,omitempty"`
	When     time.Time         `json:"when,omitzero"`
	Data     []byte            `json:"data,omitempty"`
	Children []tree            `json:"children,omitempty"`
	Large    int64             `json:"large,string,omitempty"`
	Hidden   map[string]string `json:"-"`
	own      int
}

const wanted = `{
	"type": "object", "additionalProperties": false, "required": ["id", "count", "names", "pair", "colour"],
	"properties": {
		"id": {"type": "string", "pattern": "^[a-z]+$"},
		"count": {"type": "integer", "minimum": 1, "maximum": 9, "description": "how many"},
		"share": {"type": ["number", "null"]},
		"note": {"type": "string"},
		"names": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
		"pair": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
		"labels": {"type": "object", "additionalProperties": {"type": "boolean"}},
		"kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
		"colour": {"enum": ["red", "blue"]},
		"raw": {}, "any": {},
		"when": {"type": "string", "format": "date-time"},
		"data": {"type": "string", "contentEncoding": "base64"},
		"children": {"type": "array", "items": {"type": "object"}},
		"large": {"type": "string"}
	}
}`

func TestASchemaSaysWhatEncodingJSONTakes(t *testing.T) {
	_ = tree{own: 1}
	text, err := json.Marshal(schema(reflect.TypeFor[tree](), nil))
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if json.Unmarshal(text, &got) != nil || json.Unmarshal([]byte(wanted), &want) != nil {
		t.Fatal("no JSON")
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s", text)
	}
}
