package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gogs/chardet"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
)

// What the beginning of a file says of it, and how many bytes say so.
var marks = []struct {
	bytes, charset string
}{
	{"\xef\xbb\xbf", "utf-8"},
	{"\xff\xfe", "utf-16le"},
	{"\xfe\xff", "utf-16be"},
}

// Of a file without a mark this much is looked at; more does not help, and takes time.
const sample = 64 * 1024

// decoded is the text of a file, and the encoding it was in.
func decoded(data []byte, charset string) (string, string, error) {
	name := strings.ToLower(charset)
	for _, mark := range marks {
		if bytes.HasPrefix(data, []byte(mark.bytes)) && (name == "auto" || name == "" || name == mark.charset) {
			data, name = data[len(mark.bytes):], mark.charset
		}
	}
	if name == "auto" || name == "" {
		name = guessed(data)
	}
	from, err := htmlindex.Get(name)
	if err != nil {
		return "", "", fmt.Errorf("there is no encoding %q; try utf-8, windows-1252 or leave it to be found out", charset)
	}
	if known, err := htmlindex.Name(from); err == nil {
		name = known
	}
	if name == "utf-8" {
		return utf8Text(data)
	}
	text, err := encoding.Encoding(from).NewDecoder().Bytes(data)
	return string(text), name, err
}

func guessed(data []byte) string {
	if utf8.Valid(data) {
		return "utf-8"
	}
	best, err := chardet.NewTextDetector().DetectBest(data[:min(len(data), sample)])
	if err != nil {
		return "windows-1252" // it has a letter for nearly every byte
	}
	if _, err := htmlindex.Get(best.Charset); err != nil {
		return "windows-1252"
	}
	return best.Charset
}

func utf8Text(data []byte) (string, string, error) {
	for i := 0; i < len(data); {
		letter, size := utf8.DecodeRune(data[i:])
		if letter == utf8.RuneError && size == 1 {
			return "", "", atLine(1+bytes.Count(data[:i], []byte("\n")), "the byte 0x%02x is no UTF-8; leave `charset` to be found out", data[i])
		}
		i += size
	}
	return string(data), "utf-8", nil
}
