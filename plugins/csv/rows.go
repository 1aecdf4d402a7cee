package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	omnicore "omnicore.example/sdk"
)

// Row is an object with its fields in the order of the columns.
type Row struct {
	columns []string
	values  []any
}

// JSONSchema says what a row is: its fields are known only once a file is read.
func (Row) JSONSchema() omnicore.Schema {
	return omnicore.Schema{
		"type":                 "object",
		"additionalProperties": omnicore.Schema{"type": []string{"string", "number", "boolean", "null"}},
	}
}

// MarshalJSON keeps the order, which a map would not.
func (r Row) MarshalJSON() ([]byte, error) {
	parts := make([][]byte, len(r.columns))
	for i, column := range r.columns {
		name, _ := json.Marshal(column) // a text always has JSON
		value, err := json.Marshal(r.values[i])
		if err != nil {
			return nil, err
		}
		parts[i] = slices.Concat(name, []byte(":"), value)
	}
	return slices.Concat([]byte("{"), bytes.Join(parts, []byte(",")), []byte("}")), nil
}

func (f *file) rows(options Options) (Rows, error) {
	out := Rows{Columns: []string{}, Rows: []Row{}, Charset: f.charset, Delimiter: f.delimiter}
	passed := 0
	for row, err := range f.records() {
		if err != nil {
			return Rows{}, err
		}
		if len(out.Columns) == 0 {
			if out.Columns, err = columns(row, options); err != nil {
				return Rows{}, err
			}
			if options.Header {
				continue
			}
		}
		if len(row.fields) != len(out.Columns) {
			return Rows{}, atLine(row.line, "the number of its fields is %d, of the columns %d", len(row.fields), len(out.Columns))
		}
		if passed++; passed <= options.Skip {
			continue
		}
		if out.More = len(out.Rows) == options.Limit; out.More {
			break
		}
		out.Rows = append(out.Rows, Row{out.Columns, values(row.fields, options)})
	}
	return out, nil
}

// columns are the names in the first row, or 1, 2, 3; each name stands once, so that no field is lost.
func columns(row record, options Options) ([]string, error) {
	names := make([]string, len(row.fields))
	seen := map[string]int{}
	for i, field := range row.fields {
		names[i] = strings.TrimSpace(field)
		if !options.Header || names[i] == "" {
			names[i] = strconv.Itoa(i + 1)
		}
		if before, twice := seen[names[i]]; twice {
			return nil, atLine(row.line, "columns %d and %d are both called %q", before+1, i+1, names[i])
		}
		seen[names[i]] = i
	}
	return names, nil
}

func values(fields []string, options Options) []any {
	out := make([]any, len(fields))
	for i, field := range fields {
		if options.Trim {
			field = strings.TrimSpace(field)
		}
		out[i] = field
		if options.Types {
			out[i] = typed(field)
		}
	}
	return out
}

// Only what JSON writes the same way is a number: 007, 1e5 and +1 are more likely names.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?$`)

func typed(field string) any {
	switch {
	case field == "":
		return nil
	case strings.EqualFold(field, "true"):
		return true
	case strings.EqualFold(field, "false"):
		return false
	case number.MatchString(field):
		return json.Number(field)
	}
	return field
}
