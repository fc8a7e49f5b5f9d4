package main

import (
	"io"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/netlab"
)

// TestMain lets the test program be the agent itself, for scripts and kernel tests, where
// it is called by that name.
func TestMain(m *testing.M) {
	testscript.Main(isolated{m}, map[string]func(){"agent": main})
}

// isolated runs the tests in namespaces of their own.
type isolated struct{ m *testing.M }

func (i isolated) Run() int { return netlab.Main(i.m) }

// TestScripts runs the commands that need no kernel as a person would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			seeds, err := os.Getwd()
			e.Setenv("EXAMPLE", seeds+"/../../examples/dual-stack")
			return err
		},
	})
}

// quiet is a log that nobody reads.
func quiet() *logrus.Entry {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return logrus.NewEntry(log)
}
