// Command exports writes omnicore_exports.go, which makes exports of the functions marked //omnicore:export:
//
//	//go:generate go run omnicore.example/sdk/exports
//
// It takes a folder or the files of one, by default the folder it runs in. `omnicore build` runs it by itself.
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const made = "omnicore_exports.go"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	flags := flag.NewFlagSet("exports", flag.ContinueOnError)
	target := flags.String("o", "", "the file to write, instead of "+made+" beside the sources")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	paths, err := sources(flags.Args())
	if err != nil {
		return err
	}
	found, err := read(paths)
	if err != nil {
		return err
	}
	if *target == "" {
		*target = filepath.Join(filepath.Dir(paths[0]), made)
	}
	return write(*target, found)
}

// sources are the files of a folder that a plugin is built from.
func sources(given []string) ([]string, error) {
	if len(given) == 0 {
		given = []string{"."}
	}
	if info, err := os.Stat(given[0]); err != nil || !info.IsDir() {
		return given, err
	}
	all, err := filepath.Glob(filepath.Join(given[0], "*.go"))
	kept := []string{}
	for _, path := range all {
		if !strings.HasSuffix(path, "_test.go") && filepath.Base(path) != made {
			kept = append(kept, path)
		}
	}
	if err == nil && len(kept) == 0 {
		err = fmt.Errorf("there is no Go file in %s", given[0])
	}
	return kept, err
}

// write leaves a file that is right alone, so that those who watch the folder have nothing to do.
func write(path string, found plugin) error {
	text, err := found.source()
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(path); err == nil && string(old) == string(text) {
		return nil
	}
	return os.WriteFile(path, text, fs.FileMode(0o644))
}
