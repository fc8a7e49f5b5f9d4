package netlab

import (
	"fmt"
	"os"
	"path/filepath"
)

// TB is what netlab needs of a *testing.T, *testing.B or *testing.F.
type TB interface {
	Helper()
	Name() string
	Cleanup(func())
	TempDir() string
	Fatal(args ...any)
	Skip(args ...any)
}

// Test builds a lab that goes with the test. The test's own temporary directories are visible
// inside. Where the kernel does not let us make namespaces (see Main), the test is skipped, or
// fails if kernel tests are required.
func Test(t TB, o Options) *Lab {
	t.Helper()
	Require(t)
	o.Shared = append(o.Shared, filepath.Dir(t.TempDir()))
	lab, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Fatal(err)
		}
	})
	return lab
}

// Require lets a test that needs the kernel go on only if Main could isolate it: else it is
// skipped, or fails if kernel tests are required. Test calls it.
func Require(t TB) {
	t.Helper()
	switch why := os.Getenv(refusedEnv); {
	case os.Getenv(stageEnv) != "":
	case why == "":
		t.Fatal("this package's TestMain does not call netlab.Main: its kernel tests would run in the machine's own namespaces")
	case kernelTestsRequired():
		t.Fatal("kernel tests are required, but:", why)
	default:
		t.Skip(fmt.Sprintf("KERNEL TEST SKIPPED: %s: %s", t.Name(), why))
	}
}
