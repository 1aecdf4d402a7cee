// CSV to JSON, whatever program wrote it: the encoding and the separator are found out.
package main

import (
	"fmt"

	"omnicore.example/sdk/door"
)

// Source is a CSV file and what is known of it.
type Source struct {
	CSV       door.Bytes `json:"csv" doc:"the file: text, or {\"base64\": \"...\"} for one that is not UTF-8"`
	Charset   string     `json:"charset,omitempty" default:"auto" max:"40" doc:"its encoding, such as windows-1252 or shift_jis"`
	Delimiter string     `json:"delimiter,omitempty" default:"auto" enum:"auto,comma,semicolon,tab,pipe" doc:"what stands between fields"`
	Comment   string     `json:"comment,omitempty" max:"1" doc:"a letter that begins lines to skip"`
}

// Options say how rows are to look.
type Options struct {
	Source
	Header bool `json:"header,omitempty" default:"true" doc:"whether the first row names the columns; else they are 1, 2, 3"`
	Types  bool `json:"types,omitempty" default:"false" doc:"whether 12, 1.5, true and nothing become numbers, booleans and null"`
	Trim   bool `json:"trim,omitempty" default:"true" doc:"whether blanks around a field are left out"`
	Skip   int  `json:"skip,omitempty" default:"0" min:"0" max:"1000000" doc:"how many rows to pass over"`
	Limit  int  `json:"limit,omitempty" default:"100000" min:"1" max:"1000000" doc:"how many rows to give"`
}

// Rows are the file as objects.
type Rows struct {
	Columns   []string `json:"columns"`
	Rows      []Row    `json:"rows"`
	More      bool     `json:"more" doc:"whether there are rows after these"`
	Charset   string   `json:"charset" doc:"the encoding it was read in"`
	Delimiter string   `json:"delimiter"`
}

// Shape is what a file looks like.
type Shape struct {
	Charset   string   `json:"charset"`
	Delimiter string   `json:"delimiter"`
	Columns   []string `json:"columns" doc:"the fields of the first row"`
	Rows      int      `json:"rows" doc:"how many, the first among them"`
}

// ToJSON gives the rows of a CSV file as objects with the columns' names. Fields and order are kept; a row that does not
// fit is an error with its line.
//
//omnicore:export to_json
func ToJSON(options Options) (Rows, error) {
	found, err := open(options.Source)
	if err != nil {
		return Rows{}, err
	}
	return found.rows(options)
}

// Detect tells how a CSV file is written: its encoding, its separator, its columns and how many rows it has.
//
//omnicore:export
func Detect(source Source) (Shape, error) {
	found, err := open(source)
	if err != nil {
		return Shape{}, err
	}
	shape := Shape{Charset: found.charset, Delimiter: found.delimiter, Columns: []string{}}
	for record, err := range found.records() {
		if err != nil {
			return Shape{}, err
		}
		if shape.Rows == 0 {
			shape.Columns = record.fields
		}
		shape.Rows++
	}
	return shape, nil
}

func atLine(line int, format string, values ...any) error {
	return fmt.Errorf("line %d: %s", line, fmt.Sprintf(format, values...))
}
