package main

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/dataplane"
	"github.com/margay-net/margay/internal/engine"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/metrics"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
	"github.com/margay-net/margay/internal/tuning"
	"github.com/margay-net/margay/internal/workload"
)

// agent is an agent under test: the daemon's engine, graph and dataplane, without its
// source and its servers.
type agent struct {
	engine    *engine.Engine
	dataplane *dataplane.Dataplane
	cluster   *workload.Cluster
	events    []model.Event // made, and not fed yet
	profile   *os.File
	reserve   []byte // as the daemon's
}

// logEnv names a file for the log of agents under test.
const logEnv = "MARGAY_BENCHMARK_LOG"

// newAgent makes an agent in the present network namespace and lets it run. It returns
// when the dataplane waits for work.
func newAgent() (*agent, error) {
	out := io.Discard
	if path := os.Getenv(logEnv); path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, err
		}
		out = f
	}
	logger := logrus.New()
	logger.SetOutput(out)
	log := logrus.NewEntry(logger)

	table := config.NewTable()
	e := engine.New(engine.Options{
		Node:   workload.LocalNode,
		Graph:  calc.New(calc.Options{Node: workload.LocalNode}),
		Table:  table,
		Layers: []config.Layer{config.FromFlags(map[string]string{"FelixHostname": workload.LocalNode})},
		Log:    log,
	})
	reserve := tuning.Reserve()
	tuning.Apply(e.Settings().Settings.Runtime, os.LookupEnv)
	ready := make(chan struct{})
	d, err := dataplane.New(dataplane.Options{
		Node: workload.LocalNode, Work: e.Work(), Taken: e.Wake, Settings: e.Settings(),
		Facts:   e.Update,
		Begin:   func() { e.Begin(); close(ready) },
		Metrics: metrics.New(metrics.Options{Host: workload.LocalNode}),
		Health:  health.NewBoard(e.Settings().Settings.Families()),
		Log:     log,
	})
	if err != nil {
		return nil, err
	}
	go e.Run(context.Background())
	go func() {
		if err := d.Run(context.Background()); err != nil {
			log.WithError(err).Error("The dataplane has ended")
		}
	}()
	<-ready
	return &agent{engine: e, dataplane: d, reserve: reserve}, nil
}

// serveAgent answers the harness until it hangs up.
func serveAgent(in io.Reader, out io.Writer) error {
	var a *agent
	requests, replies := gob.NewDecoder(in), gob.NewEncoder(out)
	for {
		var q request
		if err := requests.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var r reply
		var err error
		if q.Op == opStart {
			if a, err = newAgent(); err == nil {
				a.cluster = workload.New(q.Size)
				a.events = a.cluster.BaseEvents()
				runtime.GC() // what making the events has left behind is not the agent's
			}
		} else {
			r, err = a.answer(q)
		}
		if err != nil {
			r.Error = err.Error()
		}
		if err := replies.Encode(r); err != nil {
			return err
		}
	}
}

func (a *agent) answer(q request) (reply, error) {
	switch q.Op {
	case opPrepare:
		return reply{}, a.prepare(q)
	case opFeed:
		return reply{At: a.feed()}, nil
	case opSync:
		at := a.feed()
		a.engine.Sync(source.Sync{InSync: true})
		return reply{At: at}, nil
	case opChurn:
		return a.churn(q.PerSecond), nil
	case opDump:
		var text strings.Builder
		err := a.dataplane.Dump(q.Text, &text)
		return reply{Text: text.String()}, err
	case opProfile:
		return reply{}, a.toggleProfile(q.Text)
	}
	return reply{}, fmt.Errorf("there is no operation %d", q.Op)
}

// portion is how many events are fed at once, as from a list that is read in pages.
const portion = 1000

// feed feeds what was made and forgets it.
func (a *agent) feed() instant {
	events := a.events
	a.events = nil
	start := now()
	for len(events) > 0 {
		n := min(portion, len(events))
		a.engine.Update(events[:n:n])
		events = events[n:]
	}
	return start
}

// churn feeds pods at a pace, and with each the block that is ahead of it.
func (a *agent) churn(perSecond int) reply {
	events := a.events
	a.events = nil
	start := now()
	r := reply{At: start}
	for len(events) > 0 {
		n := 1
		for n < len(events) && events[n-1].Key.Kind != model.KindPod {
			n++
		}
		due := start + instant(len(r.Pods)*int(time.Second)/perSecond)
		time.Sleep(due.since(now()))
		at := now()
		a.engine.Update(events[:n:n])
		if pod, ok := events[n-1].Value.(*model.Pod); ok {
			fed := fedPod{At: at}
			for _, address := range pod.Claims.Status {
				fed.Addresses = append(fed.Addresses, string(address.AsSlice()))
			}
			r.Pods = append(r.Pods, fed)
		}
		events = events[n:]
	}
	return r
}

func (a *agent) toggleProfile(path string) (err error) {
	if path == "" {
		pprof.StopCPUProfile()
		return a.profile.Close()
	}
	if a.profile, err = os.Create(path); err != nil {
		return err
	}
	return pprof.StartCPUProfile(a.profile)
}
