package main

import (
	"strings"
	"testing"
)

func rowsOf(t *testing.T, text string) Rows {
	t.Helper()
	found, err := ToJSON(Options{Source: Source{CSV: []byte(text)}, Header: true, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTheSeparatorIsTheOneThatCutsAllRowsAlike(t *testing.T) {
	for text, want := range map[string]string{
		"a,b\n1,2\n":             "comma",
		"a;b\n1,5;2,5\n":         "semicolon",
		"a\tb\n1, 2, 3\t4\n":     "tab",
		"a|b|c\n1;2|3|4\n":       "pipe",
		"only\none\n":            "comma",
		"\"a;b\",c\n\"1;2\",3\n": "comma",
	} {
		if got := rowsOf(t, text).Delimiter; got != want {
			t.Errorf("%q: %s, not %s", text, got, want)
		}
	}
}

func TestNumbersAreOnlyWhatJSONWouldWriteTheSame(t *testing.T) {
	for _, field := range []string{"007", "1e5", "+1", "1.", ".5", "12345678901234567890", "NaN", "0x1"} {
		if _, text := typed(field).(string); !text {
			t.Errorf("%s is no text", field)
		}
	}
}

func TestARowKeepsTheOrderOfItsColumns(t *testing.T) {
	text, err := Row{[]string{"z", "a"}, []any{"1", nil}}.MarshalJSON()
	if err != nil || string(text) != `{"z":"1","a":null}` {
		t.Fatal(string(text), err)
	}
}

func TestALineOfTheFileIsTheOneInTheError(t *testing.T) {
	text := "sep=,\n# note\na,b\n\"1\n2\",3\n4\n"
	_, err := ToJSON(Options{Source: Source{CSV: []byte(text), Comment: "#"}, Header: true, Limit: 10})
	if err == nil || !strings.HasPrefix(err.Error(), "line 6: ") {
		t.Fatal(err)
	}
}
