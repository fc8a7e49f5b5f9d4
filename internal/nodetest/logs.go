package nodetest

import (
	"strings"
	"sync"
	"testing"
)

// logs keeps what the agents log, and shows it if the test fails.
type logs struct {
	mu    sync.Mutex
	lines strings.Builder
}

func newLogs(t testing.TB) *logs {
	l := &logs{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the agent's log:\n%s", l.text())
		}
	})
	return l
}

// Write implements io.Writer.
func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(b)
}

func (l *logs) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}
