package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/sirupsen/logrus"
	"sigs.k8s.io/yaml"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
	"github.com/margay-net/margay/internal/source/files"
	"github.com/margay-net/margay/internal/workload"
)

// reading is what a reader of manifests reports.
type reading struct {
	Events    int
	Wall      time.Duration
	Allocated uint64 // bytes, all in all
	Objects   uint64 // allocations
	Problems  int
}

// measureYAML measures the reading of the whole cluster as YAML, in a process of its own
// that does nothing else: it counts the events and keeps none.
func measureYAML(b *bench, p preset) error {
	dir, err := os.MkdirTemp(".", ".benchmark-manifests-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	objects, size, err := writeManifests(dir, workload.New(p.size))
	if err != nil {
		return err
	}
	var wall, cpu, peak, allocated, perObject sample
	for range b.repeat(p.colds) {
		r, used, m, err := readManifests(dir)
		if err != nil {
			return err
		}
		if r.Events != objects || r.Problems > 0 {
			return fmt.Errorf("%s: %d of %d objects read, %d problems", p.name, r.Events, objects, r.Problems)
		}
		wall, cpu = append(wall, milliseconds(r.Wall)), append(cpu, milliseconds(used.cpu))
		peak, allocated = append(peak, float64(m.peak)/1e6), append(allocated, float64(r.Allocated)/1e6)
		perObject = append(perObject, float64(r.Objects)/float64(objects))
	}
	note := fmt.Sprintf("%d objects, %.1f MB", objects, float64(size)/1e6)
	b.report.add(result{p.name, "YAML: start to in sync", "ms", wall, nil, note})
	b.report.add(result{p.name, "YAML: CPU", "ms", cpu, nil, ""})
	b.report.add(result{p.name, "YAML: peak memory", "MB", peak, nil, "VmHWM; the events are not kept"})
	b.report.add(result{p.name, "YAML: allocated in all", "MB", allocated, nil, ""})
	b.report.add(result{p.name, "YAML: allocations per object", "n", perObject, nil, ""})
	return nil
}

// writeManifests writes a file for each kind.
func writeManifests(dir string, c *workload.Cluster) (objects, size int, err error) {
	open := map[string]*os.File{}
	c.Base(func(o any) {
		if err != nil {
			return
		}
		version, kind := typeOf(o)
		f := open[version+kind]
		if f == nil {
			if f, err = os.Create(filepath.Join(dir, fmt.Sprintf("%02d-%s.yaml", len(open), kind))); err != nil {
				return
			}
			open[version+kind] = f
		}
		var b []byte
		if b, err = yaml.Marshal(o); err != nil {
			return
		}
		n, failed := fmt.Fprintf(f, "---\napiVersion: %s\nkind: %s\n%s", version, kind, b)
		objects, size, err = objects+1, size+n, failed
	})
	for _, f := range open {
		if failed := f.Close(); err == nil {
			err = failed
		}
	}
	return objects, size, err
}

// typeOf is an object's apiVersion and kind, which the workload leaves out.
func typeOf(o any) (version, kind string) {
	kind = reflect.TypeOf(o).Elem().Name()
	switch {
	case isCalico(o):
		version = "projectcalico.org/v3"
	case kind == "NetworkPolicy":
		version = "networking.k8s.io/v1"
	default:
		version = "v1"
	}
	return version, kind
}

func isCalico(o any) bool { _, ok := o.(api.Resource); return ok }

func readManifests(dir string) (r reading, used consumption, m memory, err error) {
	p, err := startHere(roleYAML, dir)
	if err != nil {
		return r, used, m, err
	}
	defer p.stop()
	line, err := bufio.NewReader(p.out).ReadBytes('\n')
	if err != nil {
		return r, used, m, fmt.Errorf("reader of manifests: %w", err)
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, used, m, err
	}
	if used, err = consumed(p.pid()); err != nil {
		return r, used, m, err
	}
	m, err = memoryOf(p.pid())
	return r, used, m, err
}

// counter is a sink that counts.
type counter struct {
	events, problems int
	synced           chan struct{}
}

// Update implements source.Sink.
func (c *counter) Update(events []model.Event) { c.events += len(events) }

// Report implements source.Sink.
func (c *counter) Report(_ string, problems []model.Problem) { c.problems += len(problems) }

// Sync implements source.Sink.
func (c *counter) Sync(s source.Sync) {
	if s.InSync {
		close(c.synced)
	}
}

// readYAML is the reader of manifests: it reads a directory, says what that took, and
// waits to be killed, so that it can be looked at.
func readYAML(args []string, out io.Writer) error {
	if os.Getenv("GOGC") == "" {
		defaults := config.NewTable().Defaults()
		debug.SetGCPercent(defaults.Runtime.GCPercent)
	}
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	sink := &counter{synced: make(chan struct{})}
	start := time.Now()
	s := files.New(files.Options{Directory: args[0], Sink: sink, Log: logrus.NewEntry(logger)})
	failed := make(chan error, 1)
	go func() { failed <- s.Run(context.Background()) }()
	select {
	case <-sink.synced:
	case err := <-failed:
		return err
	}
	r := reading{Events: sink.events, Problems: sink.problems, Wall: time.Since(start)}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	r.Allocated, r.Objects = stats.TotalAlloc, stats.Mallocs
	if err := json.NewEncoder(out).Encode(r); err != nil {
		return err
	}
	select {} // until it is killed
}
