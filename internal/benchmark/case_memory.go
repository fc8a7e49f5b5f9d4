package main

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"io"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
	"github.com/margay-net/margay/internal/workload"
)

// serveMemory is an agent that is fed events through a pipe, as a source would feed it:
// it knows no more of the cluster than what comes in. The end of the input means that
// everything has been read.
func serveMemory(in io.Reader, out io.Writer) error {
	registerWire()
	a, err := newAgent()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, "ready\n"); err != nil {
		return err
	}
	decoder := gob.NewDecoder(bufio.NewReaderSize(in, 1<<16))
	var events []model.Event
	for {
		var w wireEvent
		err := decoder.Decode(&w)
		if err == nil {
			events = append(events, w.event())
		}
		if len(events) == portion || err != nil {
			a.engine.Update(events)
			events = nil
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	a.engine.Sync(source.Sync{InSync: true})
	select {} // until it is killed
}

// measureMemory measures the resident memory of an agent in a process of its own: the
// most it had until the whole cluster was in the kernel, and what it has a while after.
func measureMemory(b *bench, p preset) error {
	var peak, after, idle sample
	for range b.repeat(p.colds) {
		before, m, err := memoryWhenCold(p)
		if err != nil {
			return err
		}
		idle, peak, after = append(idle, float64(before.now)/1e6), append(peak, float64(m.peak)/1e6), append(after, float64(m.now)/1e6)
	}
	b.report.add(result{p.name, "memory: before the first event", "MB", idle, nil, "RSS"})
	b.report.add(result{p.name, "memory: peak until all in the kernel", "MB", peak, nil, "VmHWM"})
	b.report.add(result{p.name, "memory: then", "MB", after, nil, "RSS"})
	return nil
}

func memoryWhenCold(p preset) (before, after memory, err error) {
	w, err := newWorld(p.size, 0)
	if err != nil {
		return before, after, err
	}
	defer w.close()
	heard, err := listen(w.node.Space, false)
	if err != nil {
		return before, after, err
	}
	defer heard.close()
	agent, err := startRole(w.node.Space, roleMemory)
	if err != nil {
		return before, after, err
	}
	defer agent.stop()
	if _, err := bufio.NewReader(agent.out).ReadString('\n'); err != nil {
		return before, after, fmt.Errorf("agent under test: %w", err)
	}
	if before, err = memoryOf(agent.pid()); err != nil {
		return before, after, err
	}
	c := workload.New(p.size)
	if err := feedThroughPipe(agent.in, c); err != nil {
		return before, after, err
	}
	if _, err := heard.await(p.quiet, func(o *observation) bool { return allRouted(c, o) }); err != nil {
		return before, after, fmt.Errorf("%s, memory: %w", p.name, err)
	}
	after, err = memoryOf(agent.pid())
	return before, after, err
}

func feedThroughPipe(to io.WriteCloser, c *workload.Cluster) error {
	registerWire()
	buffered := bufio.NewWriterSize(to, 1<<16)
	encoder := gob.NewEncoder(buffered)
	var failed error
	c.Base(func(o any) {
		if failed == nil {
			failed = encoder.Encode(toWire(workload.Event(o)))
		}
	})
	return errors.Join(failed, buffered.Flush(), to.Close())
}

// allRouted says whether every local pod has its routes.
func allRouted(c *workload.Cluster, o *observation) bool {
	for _, pod := range c.LocalPods() {
		for _, a := range podOf(workload.Event(pod)).Claims.Status {
			if !o.routed(family.HostPrefix(a), true) {
				return false
			}
		}
	}
	return true
}
