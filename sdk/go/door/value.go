package door

import (
	"encoding/json"
	"unicode/utf8"
)

// Value is any JSON value, as it came.
type Value []byte

// IsNull is true for null, and where nothing came.
func (v Value) IsNull() bool { return len(v) == 0 || string(v) == "null" }

// Decode reads the value into what target points to, as json.Unmarshal does.
func (v Value) Decode(target any) error { return json.Unmarshal(v.bytes(), target) }

// TextOr is the value if it is a text, else the other text.
func (v Value) TextOr(other string) string {
	var text *string
	if v.Decode(&text) != nil || text == nil {
		return other
	}
	return *text
}

// MarshalJSON gives the value as it is.
func (v Value) MarshalJSON() ([]byte, error) { return v.bytes(), nil }

// UnmarshalJSON keeps the value as it is.
func (v *Value) UnmarshalJSON(text []byte) error {
	*v = append(Value(nil), text...)
	return nil
}

func (v Value) bytes() []byte {
	if len(v) == 0 {
		return []byte("null")
	}
	return v
}

// Bytes travel as text when they are UTF-8, else as {"base64": "..."}.
type Bytes []byte

type packed struct {
	Base64 []byte `json:"base64"`
}

// JSONSchema says what may stand for bytes in the input and output of a function.
func (Bytes) JSONSchema() map[string]any {
	text := map[string]any{"type": "string"}
	return map[string]any{"anyOf": []any{text, map[string]any{
		"type":                 "object",
		"properties":           map[string]any{"base64": text},
		"required":             []string{"base64"},
		"additionalProperties": false,
	}}}
}

// MarshalJSON writes the shorter form where it holds the same bytes.
func (b Bytes) MarshalJSON() ([]byte, error) {
	if utf8.Valid(b) {
		return json.Marshal(string(b))
	}
	return json.Marshal(packed{b})
}

// UnmarshalJSON reads both forms; null is nil.
func (b *Bytes) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '{' {
		var form packed
		err := json.Unmarshal(text, &form)
		*b = form.Base64
		return err
	}
	var plain *string
	err := json.Unmarshal(text, &plain)
	*b = nil
	if plain != nil {
		*b = Bytes(*plain)
	}
	return err
}
