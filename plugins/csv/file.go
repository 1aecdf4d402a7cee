package main

import (
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
)

var delimiters = []struct {
	name   string
	letter rune
}{{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"pipe", '|'}}

// file is CSV as text, with what was found out of it.
type file struct {
	text, charset, delimiter string
	letter, comment          rune
	first                    int // lines before the text that were left out
}

type record struct {
	fields []string
	line   int
}

func open(source Source) (*file, error) {
	text, charset, err := decoded(source.CSV, source.Charset)
	if err != nil {
		return nil, err
	}
	found := &file{text: text, charset: charset}
	if source.Comment != "" {
		found.comment, _ = utf8.DecodeRuneInString(source.Comment)
	}
	named := found.takeSeparatorLine()
	for _, one := range delimiters {
		if one.name == source.Delimiter || found.letter == 0 && one.letter == named {
			found.delimiter, found.letter = one.name, one.letter
		}
	}
	if found.letter == 0 {
		found.guess()
	}
	if found.comment == found.letter {
		return nil, errors.New("the same letter cannot begin comments and separate fields")
	}
	return found, nil
}

// takeSeparatorLine reads the line `sep=;` by which spreadsheets are told the separator, and leaves it out.
func (f *file) takeSeparatorLine() rune {
	line, rest, more := strings.Cut(f.text, "\n")
	letter, found := strings.CutPrefix(strings.ToLower(strings.TrimRight(line, "\r")), "sep=")
	if !more || !found || utf8.RuneCountInString(letter) != 1 {
		return 0
	}
	f.text, f.first = rest, 1
	named, _ := utf8.DecodeRuneInString(letter)
	return named
}

// guess takes the separator that cuts the first rows into the most fields, the same number in each.
func (f *file) guess() {
	best := 0
	f.delimiter, f.letter = delimiters[0].name, delimiters[0].letter
	for _, one := range delimiters {
		if score := f.score(one.letter); score > best {
			best, f.delimiter, f.letter = score, one.name, one.letter
		}
	}
}

const looked = 50

// score is how many fields the first row has if all looked at have as many, a part of that for some.
func (f *file) score(letter rune) int {
	tried := *f
	tried.letter = letter
	width, same, rows := 0, 0, 0
	for row, err := range tried.records() {
		if err != nil || rows == looked {
			break
		}
		if rows++; rows == 1 {
			width = len(row.fields)
		}
		if len(row.fields) == width {
			same++
		}
	}
	if rows == 0 || width < 2 {
		return 0
	}
	return 1000 * (width - 1) * same * same / (rows * rows)
}

// records are the rows with the lines they begin in; the first error ends them.
func (f *file) records() iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		reader := csv.NewReader(strings.NewReader(f.text))
		reader.Comma, reader.Comment, reader.FieldsPerRecord = f.letter, f.comment, -1
		reader.ReuseRecord = false
		for {
			fields, err := reader.Read()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(record{}, f.named(err))
				return
			}
			line, _ := reader.FieldPos(0)
			if !yield(record{fields, line + f.first}, nil) {
				return
			}
		}
	}
}

// named says what is wrong, and where, in words for who made the file.
func (f *file) named(err error) error {
	var wrong *csv.ParseError
	if !errors.As(err, &wrong) {
		return err
	}
	switch {
	case wrong.Err == csv.ErrQuote && !f.quoteAt(wrong.Line, wrong.Column):
		return atLine(wrong.StartLine+f.first, "a field of this row begins with a \" and never ends")
	case wrong.Err == csv.ErrQuote || wrong.Err == csv.ErrBareQuote:
		return atLine(wrong.Line+f.first, "a lone \" at byte %d; write it twice, and the field in quotes", wrong.Column)
	}
	return atLine(wrong.Line+f.first, "%v", wrong.Err)
}

func (f *file) quoteAt(line, column int) bool {
	lines := strings.SplitN(f.text, "\n", line+1)
	return column <= len(lines[line-1]) && lines[line-1][column-1] == '"'
}
