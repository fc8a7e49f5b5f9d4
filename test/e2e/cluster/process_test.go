package cluster

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/netlab"
)

func TestProcesses(t *testing.T) {
	space := netlab.Test(t, netlab.Options{}).Link().Space
	start := func(name, script string) *process {
		p, err := startProcess(space, name, filepath.Join(t.TempDir(), "log"), []string{"WORD=said"}, "/bin/sh", "-c", script)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	never := func(context.Context) error { return errors.New("not yet") }
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()

	obedient := start("obedient", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done")
	if err := obedient.await(t.Context(), func(context.Context) error {
		if obedient.tail(1) != "ready" {
			return errors.New("not yet")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := obedient.await(ctx, never); err == nil || !strings.Contains(err.Error(), "obedient does not become ready: not yet") {
		t.Errorf("one that is never ready: %v", err)
	}
	if err := obedient.stop(); err != nil || obedient.tail(1) != "bye" {
		t.Errorf("stopped: %v, %q", err, obedient.tail(1))
	}

	dead := start("dead", "echo $WORD; exit 3")
	err := dead.await(t.Context(), never)
	if err == nil || !strings.Contains(err.Error(), "dead has ended: exit status 3\nsaid") {
		t.Errorf("one that has ended: %v", err)
	}
	if err := dead.stop(); err == nil {
		t.Error("one that has ended by itself is stopped without an error")
	}
	if err := dead.kill(); err != nil {
		t.Errorf("one that has ended is killed: %v", err)
	}
}
