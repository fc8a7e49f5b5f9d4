package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/dataplane"
)

func cleaned(t *testing.T, args ...string) (out string, status int) {
	t.Helper()
	var said bytes.Buffer
	status = run(context.Background(), append([]string{"clean"}, args...), &said, &said)
	return said.String(), status
}

func TestCleanRefusesWhileAnAgentRuns(t *testing.T) {
	claim, err := dataplane.Claim()
	if err != nil {
		t.Skip("an agent of another test runs: ", err)
	}
	defer claim.Close()
	out, status := cleaned(t)
	if status != 1 || !strings.Contains(out, "another agent keeps this network namespace in step; stop it first, or use --force") {
		t.Errorf("status %d: %s", status, out)
	}
	if out, status := cleaned(t, "--dry-run"); status != 0 {
		t.Errorf("a dry run: status %d: %s", status, out)
	}
}
