// Markdown to HTML that is safe to show, whoever wrote the Markdown.
package main

import (
	"bytes"
	"fmt"

	"github.com/extism/go-pdk"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// render takes Markdown and gives HTML.
//
//go:wasmexport render
func render() int32 {
	var html bytes.Buffer
	if err := converter(wanted("hard_wraps")).Convert(pdk.Input(), &html); err != nil {
		pdk.SetError(fmt.Errorf("the text cannot be rendered: %w", err))
		return 1
	}
	pdk.Output(html.Bytes())
	return 0
}

type heading struct {
	Level int    `json:"level"`
	Text  string `json:"text"`
	ID    string `json:"id"`
}

// outline takes Markdown and gives its headings, with the ids that render gives them.
//
//go:wasmexport outline
func outline() int32 {
	source := pdk.Input()
	found := []heading{}
	document := converter(false).Parser().Parse(text.NewReader(source))
	_ = ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if one, ok := node.(*ast.Heading); ok && entering {
			id, _ := one.AttributeString("id")
			bytes, _ := id.([]byte)
			found = append(found, heading{one.Level, plain(one, source), string(bytes)})
		}
		return ast.WalkContinue, nil
	})
	if err := pdk.OutputJSON(found); err != nil {
		pdk.SetError(err)
		return 1
	}
	return 0
}

// wanted is true when the setting is on; the host hands settings over as text.
func wanted(setting string) bool {
	value, _ := pdk.GetConfig(setting)
	return value == "true"
}

func main() {}
