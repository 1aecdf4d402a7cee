package main

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// What a link may lead to. Everything else (javascript:, data:, vbscript:, file: ...) loses its destination:
// a list of what is good has no gaps, a list of what is bad does.
var schemes = map[string]bool{"http": true, "https": true, "mailto": true, "tel": true}

func converter(hardWraps bool) goldmark.Markdown {
	options := []renderer.Option{renderer.WithNodeRenderers(util.Prioritized(shownHTML{}, 1))}
	if hardWraps {
		options = append(options, html.WithHardWraps())
	}
	return goldmark.New(
		goldmark.WithExtensions(extension.Table, extension.Strikethrough),
		goldmark.WithParserOptions(
			parser.WithAutoHeadingID(),
			parser.WithASTTransformers(util.Prioritized(safeLinks{}, 1)),
		),
		goldmark.WithRendererOptions(options...),
	)
}

// safeLinks empties the destinations nobody may follow.
type safeLinks struct{}

func (safeLinks) Transform(document *ast.Document, reader text.Reader, _ parser.Context) {
	var refused []*ast.AutoLink
	_ = ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		switch one := node.(type) {
		case *ast.Link:
			one.Destination = allowed(one.Destination)
		case *ast.Image:
			one.Destination = allowed(one.Destination)
		case *ast.AutoLink:
			if entering && one.AutoLinkType == ast.AutoLinkURL && len(allowed(one.URL(reader.Source()))) == 0 {
				refused = append(refused, one)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, one := range refused {
		label := ast.NewString(one.Label(reader.Source()))
		label.SetRaw(true)
		one.Parent().ReplaceChild(one.Parent(), one, label)
	}
}

// allowed is the destination, or nothing for one with another scheme. Browsers pass over control characters and
// blanks in a scheme, so they are left out before it is compared.
func allowed(destination []byte) []byte {
	clean := bytes.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return -1
		}
		return r
	}, util.UnescapePunctuations(util.ResolveNumericReferences(util.ResolveEntityNames(destination))))
	before, _, found := bytes.Cut(clean, []byte(":"))
	if !found || bytes.ContainsAny(before, "/?#") || schemes[strings.ToLower(string(before))] {
		return destination
	}
	return nil
}

// shownHTML shows HTML in the Markdown as the text it is.
type shownHTML struct{}

func (shownHTML) RegisterFuncs(register renderer.NodeRendererFuncRegisterer) {
	register.Register(ast.KindRawHTML, func(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			writeLines(w, source, node.(*ast.RawHTML).Segments)
		}
		return ast.WalkSkipChildren, nil
	})
	register.Register(ast.KindHTMLBlock, func(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
		block := node.(*ast.HTMLBlock)
		if !entering {
			return ast.WalkContinue, nil
		}
		_, _ = w.WriteString("<p>")
		writeLines(w, source, block.Lines())
		if block.HasClosure() {
			_, _ = w.Write(util.EscapeHTML(block.ClosureLine.Value(source)))
		}
		_, _ = w.WriteString("</p>\n")
		return ast.WalkContinue, nil
	})
}

func writeLines(w util.BufWriter, source []byte, lines *text.Segments) {
	for i := range lines.Len() {
		segment := lines.At(i)
		_, _ = w.Write(util.EscapeHTML(segment.Value(source)))
	}
}

// plain is the text of a node without its marks.
func plain(node ast.Node, source []byte) string {
	var out strings.Builder
	_ = ast.Walk(node, func(one ast.Node, entering bool) (ast.WalkStatus, error) {
		switch leaf := one.(type) {
		case *ast.Text:
			if entering {
				out.Write(util.ResolveEntityNames(util.UnescapePunctuations(leaf.Value(source))))
			}
		case *ast.String:
			if entering {
				out.Write(leaf.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return out.String()
}
