package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/margay-net/margay/internal/netlab"
)

// TestMain lets the test binary play the parts that the program itself plays.
func TestMain(m *testing.M) {
	if ok, err := playRole(os.Args[1:]); ok {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(netlab.Main(m))
}
