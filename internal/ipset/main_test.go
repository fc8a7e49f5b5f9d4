package ipset_test

import (
	"os"
	"testing"

	"github.com/margay-net/margay/internal/netlab"
)

func TestMain(m *testing.M) { os.Exit(netlab.Main(m)) }
