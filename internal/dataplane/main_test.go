package dataplane_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/margay-net/margay/internal/netlab"
)

// atOnce is how many labs there are at a time. They wait for silence more than they work, so
// that there may be more of them than processors.
const atOnce = 8

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", fmt.Sprint(atOnce)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(netlab.Main(m))
}
