// Command gen writes docs/configuration.md from the table of settings.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/margay-net/margay/internal/config"
)

func main() {
	out := flag.String("o", "docs/configuration.md", "file to write")
	flag.Parse()
	if err := os.WriteFile(*out, []byte(config.NewTable().Document()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
