package main

import (
	"fmt"
	"io"

	"github.com/margay-net/margay/internal/calc"
)

// writePolicy prints what the graph has made for this node.
func writePolicy(w io.Writer, b *calc.Batch) error {
	_, err := fmt.Fprintf(w, "%+v\n", b)
	return err
}
