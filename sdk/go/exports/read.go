package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"unicode"
)

const mark = "//omnicore:export"

// plugin is what the sources say: the package's name, whether it has a main, and what it exports.
type plugin struct {
	name      string
	main      bool
	functions []function
}

// function is one to export. adapter makes its signature fit, or is empty.
type function struct {
	export, name, doc, adapter string
}

func read(paths []string) (plugin, error) {
	var found plugin
	files := token.NewFileSet()
	for _, path := range paths {
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return found, err
		}
		found.name = file.Name.Name
		for _, item := range file.Decls {
			declared, isFunction := item.(*ast.FuncDecl)
			if !isFunction {
				continue
			}
			found.main = found.main || declared.Recv == nil && declared.Name.Name == "main"
			export, marked := exportOf(declared)
			if !marked {
				continue
			}
			adapter, err := adapterOf(declared)
			if err != nil {
				return found, fmt.Errorf("%s: %w", files.Position(declared.Pos()), err)
			}
			doc := strings.Join(strings.Fields(declared.Doc.Text()), " ")
			found.functions = append(found.functions, function{export, declared.Name.Name, doc, adapter})
		}
	}
	return found, found.check()
}

func (p plugin) check() error {
	seen := map[string]string{}
	for _, one := range p.functions {
		if other, twice := seen[one.export]; twice {
			return fmt.Errorf("%s and %s are both exported as %s", other, one.name, one.export)
		}
		seen[one.export] = one.name
	}
	return nil
}

// exportOf is the name after the mark, or the function's own as callers write it: PageCount is page_count.
func exportOf(declared *ast.FuncDecl) (string, bool) {
	if declared.Doc == nil {
		return "", false
	}
	for _, comment := range declared.Doc.List {
		rest, marked := strings.CutPrefix(comment.Text, mark)
		if !marked || rest != "" && rest[0] != ' ' {
			continue
		}
		if name := strings.TrimSpace(rest); name != "" {
			return name, true
		}
		return snake(declared.Name.Name), true
	}
	return "", false
}

func snake(name string) string {
	var out strings.Builder
	letters := []rune(name)
	for i, letter := range letters {
		small := i+1 < len(letters) && unicode.IsLower(letters[i+1])
		if i > 0 && unicode.IsUpper(letter) && (unicode.IsLower(letters[i-1]) || small) {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(letter))
	}
	return out.String()
}

func adapterOf(declared *ast.FuncDecl) (string, error) {
	kind := declared.Type
	in, out := kind.Params.NumFields(), kind.Results.NumFields()
	fails := out > 0 && isError(kind.Results.List[len(kind.Results.List)-1].Type)
	switch {
	case declared.Recv != nil || kind.TypeParams != nil:
	case in == 1 && out == 2 && fails:
		return "", nil
	case in == 1 && out == 1 && fails:
		return "Sink", nil
	case in == 1 && out == 1:
		return "Plain", nil
	case in == 0 && out == 2 && fails:
		return "Source", nil
	}
	return "", fmt.Errorf("%s cannot be exported; write `func %s(in In) (Out, error)`, without In, Out or error where there is none",
		declared.Name.Name, declared.Name.Name)
}

func isError(kind ast.Expr) bool {
	name, plain := kind.(*ast.Ident)
	return plain && name.Name == "error"
}
