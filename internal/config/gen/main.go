// Command gen writes docs/configuration.md from the table of settings, or with -schema the Go type that the
// definition of FelixConfiguration is made of.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/margay-net/margay/internal/config"
)

func main() {
	out := flag.String("o", "docs/configuration.md", "file to write")
	schema := flag.Bool("schema", false, "write the Go type, not the page")
	flag.Parse()
	if err := write(*out, *schema); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(file string, schema bool) error {
	if !schema {
		return os.WriteFile(file, []byte(config.NewTable().Document()), 0o644)
	}
	source, err := config.NewTable().Schema()
	if err != nil {
		return err
	}
	return os.WriteFile(file, source, 0o644)
}
