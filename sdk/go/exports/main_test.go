package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const head = "package main\n\n"

// written is the file that is made for a source, or the error.
func written(t *testing.T, source string) (string, error) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "plugin.go"), []byte(head+source), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{folder}); err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(folder, made))
	return string(text), err
}

func TestEachMarkedFunctionBecomesAnExport(t *testing.T) {
	text, err := written(t, `
// PageCount counts "pages"
// of a book.
//
//omnicore:export
func PageCount(in string) (int, error) { return 0, nil }

//omnicore:export other-name
func plain(in int) int { return in }

//omnicore:export
func HTTPDown() (int, error) { return 0, nil }

//omnicore:export
func sink(int) error { return nil }

//omnicore:export
func Describe(in int) int { return in }

//omnicore:exported is no mark
func not(in, out int) {}
`)
	for _, part := range []string{
		"//go:wasmexport page_count\nfunc omnicorePageCount() int32 { return omnicore.Run(PageCount) }",
		`omnicore.About("page_count", "PageCount counts \"pages\" of a book.", PageCount),`,
		"//go:wasmexport other-name\nfunc omnicoreplain() int32 { return omnicore.Run(omnicore.Plain(plain)) }",
		"//go:wasmexport http_down\n",
		"omnicore.Run(omnicore.Sink(sink))",
		"func omnicoreDescribe() int32 { return omnicore.Run(omnicore.Plain(Describe)) }",
		"func describeForOmnicore() int32 {",
		"func main() {}",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %s in %s%v", part, text, err)
		}
	}
	if strings.Contains(text, "not") {
		t.Error(text)
	}
}

func TestAMainOfTheAuthorsOwnIsKept(t *testing.T) {
	if text, err := written(t, "func main() {}\n"); err != nil || strings.Contains(text, "func main") {
		t.Fatal(text, err)
	}
}

func TestWhatCannotBeExportedIsNamedWithItsPlace(t *testing.T) {
	for source, want := range map[string]string{
		"//omnicore:export\nfunc Two(a, b int) error { return nil }":                                                   "plugin.go:4:1: Two cannot be exported; write `func Two(in In)",
		"//omnicore:export\nfunc (t T) Method(in int) int { return 0 }":                                                "Method cannot be exported",
		"//omnicore:export x\nfunc A(in int) int { return 0 }\n\n//omnicore:export x\nfunc B(in int) int { return 0 }": "A and B are both exported as x",
		"func broken(": "plugin.go:3",
	} {
		if _, err := written(t, source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %s", err, want)
		}
	}
}

func TestAFileThatIsRightIsLeftAlone(t *testing.T) {
	folder := t.TempDir()
	_ = os.WriteFile(filepath.Join(folder, "plugin.go"), []byte(head), 0o600)
	target := filepath.Join(folder, made)
	if err := run([]string{folder}); err != nil {
		t.Fatal(err)
	}
	_ = os.Chmod(target, 0o400)
	if err := run([]string{folder}); err != nil {
		t.Fatal(err)
	}
}
