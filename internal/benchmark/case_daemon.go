package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/margay-net/margay/internal/workload"
)

// measureDaemon measures the daemon as it is installed, with everything that it has: it
// reads the cluster as YAML, keeps a record of it for dumps, and serves health and metrics.
func measureDaemon(b *bench, p preset) error {
	path, err := filepath.Abs(b.daemon)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("build the daemon first, or name it by -agent: %w", err)
	}
	dir, err := os.MkdirTemp(".", ".benchmark-manifests-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cluster := workload.New(p.size)
	if _, _, err := writeManifests(dir, cluster); err != nil {
		return err
	}
	var wall, cpu, peak, idleCPU, wakeUps sample
	for range b.repeat(3) {
		d, err := b.runDaemon(p, path, dir)
		if err != nil {
			return fmt.Errorf("%s, daemon: %w", p.name, err)
		}
		wall, cpu, peak = append(wall, milliseconds(d.wall)), append(cpu, milliseconds(d.used.cpu)), append(peak, float64(d.memory.peak)/1e6)
		seconds := b.short(idleTime).Seconds()
		idleCPU, wakeUps = append(idleCPU, milliseconds(d.idle.cpu)/seconds), append(wakeUps, float64(d.idle.switches)/seconds)
	}
	b.report.add(result{p.name, "daemon: process start to all in the kernel", "ms", wall, nil, "from YAML; nobody listens to nftables"})
	b.report.add(result{p.name, "daemon: CPU until then", "ms", cpu, nil, ""})
	b.report.add(result{p.name, "daemon: peak memory", "MB", peak, nil, "VmHWM"})
	b.report.add(result{p.name, "daemon: idle, CPU in a second", "ms", idleCPU, nil, ""})
	b.report.add(result{p.name, "daemon: idle, wake-ups in a second", "n", wakeUps, nil, ""})
	return nil
}

// daemonRun is what one run of the daemon has shown.
type daemonRun struct {
	wall   time.Duration
	used   consumption
	memory memory
	idle   consumption
}

func (b *bench) runDaemon(p preset, path, manifests string) (r daemonRun, err error) {
	w, err := newWorld(p.size, 0)
	if err != nil {
		return r, err
	}
	defer w.close()
	heard, err := listen(w.node.Space, false)
	if err != nil {
		return r, err
	}
	defer heard.close()
	c := w.node.Command(path, "run", "--datastore", "files", "--manifests", manifests, "--node", workload.LocalNode)
	agent := &process{cmd: c.Cmd, start: c.Start}
	start := now()
	if err := agent.start(); err != nil {
		return r, err
	}
	defer agent.stop()
	cluster := workload.New(p.size)
	seen, err := heard.await(p.quiet, func(o *observation) bool { return allRouted(cluster, o) })
	if err != nil {
		return r, err
	}
	// Routes are written last, so that the last of them is the end of all.
	r.wall = seen.last.since(start)
	if r.used, err = consumed(agent.pid()); err != nil {
		return r, err
	}
	if r.memory, err = memoryOf(agent.pid()); err != nil {
		return r, err
	}
	r.idle, err = b.idleOf(agent.pid())
	return r, err
}

// idleOf is what a process consumes while nothing happens.
func (b *bench) idleOf(pid int) (consumption, error) {
	time.Sleep(2 * time.Second)
	before, err := consumed(pid)
	if err != nil {
		return consumption{}, err
	}
	time.Sleep(b.short(idleTime))
	after, err := consumed(pid)
	return after.since(before), err
}
