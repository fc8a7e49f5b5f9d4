package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// answering serves dumps on a socket until the test ends.
func answering(t *testing.T, path string, dump func(context.Context, string, io.Writer) error) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	l, err := listenSocket(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- answerDumps(ctx, l, dump) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestTheAgentAnswersByItsSocket(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	path := filepath.Join(t.TempDir(), "margay", "agent.sock") // the directory is made
	t.Run("", func(t *testing.T) {
		answering(t, path, func(_ context.Context, stage string, w io.Writer) error {
			if stage == "kernel" {
				fmt.Fprint(w, "half")
				return errors.New("the dataplane has stopped")
			}
			_, err := fmt.Fprintf(w, "this is %s\n", stage)
			return err
		})
		var out strings.Builder
		if err := askAgent(t.Context(), path, "model", &out); err != nil || out.String() != "this is model\n" {
			t.Errorf("%q, %v", out.String(), err)
		}
		out.Reset()
		err := askAgent(t.Context(), path, "kernel", &out)
		if err == nil || err.Error() != "the dataplane has stopped" || out.Len() > 0 {
			t.Errorf("%q, %v", out.String(), err)
		}
		st, err := os.Stat(path)
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", st.Mode(), err)
		}
		if _, err := listenSocket(t.Context(), path); err == nil || !strings.Contains(err.Error(), "another agent") {
			t.Errorf("a living agent's socket was taken over: %v", err)
		}
	})
	err := askAgent(t.Context(), path, "model", io.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), "dump model: is an agent running here? ") {
		t.Errorf("%v", err)
	}
}

func TestADeadAgentsSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	answering(t, path, func(_ context.Context, _ string, w io.Writer) error { _, err := w.Write([]byte("new")); return err })
	var out strings.Builder
	if err := askAgent(t.Context(), path, "model", &out); err != nil || out.String() != "new" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestASocketThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenSocket(t.Context(), filepath.Join(file, "agent.sock")); err == nil {
		t.Error("no error")
	}
}
