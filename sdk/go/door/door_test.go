package door

import (
	"errors"
	"testing"
)

// answering lets the other side give this reply.
func answering(t *testing.T, reply string) {
	Outside = func(string, []byte) []byte { return []byte(reply) }
	t.Cleanup(func() { Outside = nil })
}

func TestARefusalIsAnErrorWithAllItSays(t *testing.T) {
	answering(t, `{"error": {"code": "limit-exceeded", "message": "full", "remedy": "delete", "limit": "max_keys"}}`)
	_, err := Call[struct{}](KVPut, struct{}{})
	var refused *Error
	if !errors.As(err, &refused) || refused.Limit != "max_keys" || err.Error() != "full; delete" {
		t.Fatal(err)
	}
}

func TestAReplyMayHoldTheWordError(t *testing.T) {
	answering(t, `{"value": "\"error\"", "version": 9007199254740993}`)
	reply, err := CallMaybe[struct {
		Value   Bytes
		Version int64
	}](KVGet, struct{}{})
	if err != nil || string(reply.Value) != `"error"` || reply.Version != 9007199254740993 {
		t.Fatal(reply, err)
	}
}

func TestNothingIsNil(t *testing.T) {
	answering(t, `{"value": null, "version": null}`)
	if reply, err := CallMaybe[struct{ Value Bytes }](KVGet, struct{}{}); reply != nil || err != nil {
		t.Fatal(reply, err)
	}
}

func TestBytesTravelInTheShorterFormThatHoldsThem(t *testing.T) {
	for _, want := range []string{"", "é\x00\"", "\xff\x00"} {
		text, err := Bytes(want).MarshalJSON()
		var got Bytes
		if err != nil || got.UnmarshalJSON(text) != nil || string(got) != want {
			t.Fatalf("%q %s %q", want, text, got)
		}
	}
}

func TestAValueIsReadAsWhatItIs(t *testing.T) {
	if Value(`"a"`).TextOr("b") != "a" || Value("5").TextOr("b") != "b" || Value(nil).TextOr("b") != "b" {
		t.Fatal("the text is another")
	}
	if !Value("null").IsNull() || !Value(nil).IsNull() || Value("0").IsNull() {
		t.Fatal("null is another")
	}
}

func TestWithoutAHostADoorSaysSo(t *testing.T) {
	var refused *Error
	if _, err := Call[struct{}](KVGet, struct{}{}); !errors.As(err, &refused) || refused.Code != "unavailable" {
		t.Fatal(err)
	}
}
