package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/workload"
)

// tiny is a cluster that takes no time.
func tiny() preset {
	return preset{
		name:  "tiny",
		size:  workload.Size{Nodes: 3, Local: 2, Remote: 6, Policies: 10, Namespaces: 2, NetSets: 2, Families: family.Both, Seed: 1},
		quiet: settle, trials: 1, costly: 1, colds: 1,
	}
}

func quickBench() (*bench, *bytes.Buffer) {
	var out bytes.Buffer
	return &bench{quick: true, report: &report{out: &out}}, &out
}

// The cases are smoke-tested: that they end, without error, says that all of each change
// was seen in the kernel. What they measure is no test's business.
func TestCasesRunAgainstARealKernel(t *testing.T) {
	netlab.Require(t)
	for _, c := range []struct {
		name    string
		measure func(*bench, preset) error
		rows    []string
	}{
		{"changes", measureChanges, []string{"local pod added", "remote pod into a set", "policy selecting every pod deleted: CPU"}},
		{"churn", measureChurn, []string{"churn: last write"}},
		{"memory", measureMemory, []string{"memory: peak"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, out := quickBench()
			if err := c.measure(b, tiny()); err != nil {
				t.Fatal(err)
			}
			for _, row := range c.rows {
				if !strings.Contains(out.String(), row) {
					t.Errorf("no row %q in\n%s", row, out)
				}
			}
		})
	}
}

func TestAFlushedTableComesBack(t *testing.T) {
	netlab.Require(t)
	s, err := newSession(tiny(), 0, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	if o, err := s.cold(); err != nil || o.latency <= 0 || o.used.cpu <= 0 {
		t.Fatal(o, err)
	}
	if d, err := s.heal(); err != nil || d <= 0 {
		t.Fatal(d, err)
	}
}

func TestConsumptionCountsWorkAndSleep(t *testing.T) {
	p, err := startHere(roleYAML, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	line := make([]byte, 1)
	if _, err := p.out.Read(line); err != nil {
		t.Fatal(err)
	}
	used, err := consumed(p.pid())
	if err != nil || used.cpu <= 0 || used.cpu > time.Minute || used.switches <= 0 {
		t.Errorf("a process that has started and waits has used %+v, %v", used, err)
	}
	m, err := memoryOf(p.pid())
	if err != nil || m.peak < m.now || m.now < 1<<20 {
		t.Errorf("its memory is %+v, %v", m, err)
	}
	p.stop()
	if _, err := consumed(p.pid()); err == nil {
		t.Error("a process that has ended still consumes")
	}
}
