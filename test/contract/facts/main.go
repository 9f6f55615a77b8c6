package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "", "the table to write; required")
	flag.Parse()
	if err := run(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "facts:", err)
		os.Exit(1)
	}
}

// run distils the files into one table.
func run(out string, files []string) error {
	if out == "" || len(files) == 0 {
		return errors.New("name the table, -o TABLE, and the files to read")
	}
	t := table{}
	for _, file := range files {
		doc, err := read(file)
		if err != nil {
			return err
		}
		t.add(doc)
	}
	if len(t) == 0 {
		return errors.New("no operation on consents in these files")
	}
	return os.WriteFile(out, []byte(t.String()), 0o644)
}
