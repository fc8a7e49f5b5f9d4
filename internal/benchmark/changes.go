package main

import (
	"fmt"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/workload"
)

// change is a kind of change to a cluster that stands.
type change struct {
	name string
	// do and undo are the names of the two directions in the report.
	do, undo string
	// event is the change's i-th instance. Without a value of its own for the way back,
	// the object goes.
	event func(c *workload.Cluster, i int) model.Event
	back  func(c *workload.Cluster, i int) model.Event
	// seen says whether the notifications tell of all that the change is about.
	seen func(c *workload.Cluster, size workload.Size, i int, o *observation) bool
	// replayable says that the way back can be replayed: it removes no single rules.
	replayable bool
	// gone is the same for the way back.
	gone func(c *workload.Cluster, size workload.Size, i int, o *observation) bool
}

// nothing is the change that is none: what it costs is what measuring costs.
const nothing = "nothing"

func changes() []change {
	return []change{
		{name: nothing, do: "nothing (the measuring itself)"},
		podAdded(), relabelled(), onAllLocal(), selectingAll(),
	}
}

func changeNamed(name string) (change, error) {
	for _, c := range changes() {
		if c.name == name {
			return c, nil
		}
	}
	return change{}, fmt.Errorf("there is no change %q", name)
}

func podAdded() change {
	routed := func(c *workload.Cluster, i int, there bool, o *observation) bool {
		pod := podOf(workload.Event(c.LocalPod(i)))
		for _, a := range pod.Claims.Status {
			if !o.routed(family.HostPrefix(a), there) {
				return false
			}
		}
		return o.mentionsElement(pod.Interface)
	}
	return change{
		name: "pod", do: "local pod added", undo: "local pod deleted", replayable: true,
		event: func(c *workload.Cluster, i int) model.Event { return workload.Event(c.LocalPod(i)) },
		seen: func(c *workload.Cluster, _ workload.Size, i int, o *observation) bool {
			return routed(c, i, true, o)
		},
		gone: func(c *workload.Cluster, _ workload.Size, i int, o *observation) bool {
			return routed(c, i, false, o)
		},
	}
}

func relabelled() change {
	// Pod 0 is a member from the start.
	event := func(member bool) func(c *workload.Cluster, i int) model.Event {
		return func(c *workload.Cluster, i int) model.Event { return workload.Event(c.RemotePod(i+1, member)) }
	}
	moved := func(c *workload.Cluster, _ workload.Size, i int, o *observation) bool {
		for _, a := range podOf(event(true)(c, i)).Claims.Status {
			if !o.hasElement(a.AsSlice()) {
				return false
			}
		}
		return true
	}
	return change{
		name: "member", do: "remote pod into a set", undo: "remote pod out of a set", replayable: true,
		event: event(true), back: event(false), seen: moved, gone: moved,
	}
}

func onAllLocal() change {
	return change{
		name: "all-local", do: "policy on all local pods added", undo: "policy on all local pods deleted",
		event: func(_ *workload.Cluster, i int) model.Event { return workload.Event(workload.PolicyOnAllLocal(i)) },
		seen: func(_ *workload.Cluster, _ workload.Size, i int, o *observation) bool {
			return o.mentionsChain(workload.PolicyOnAllLocal(i).Name) && o.rules > 0
		},
		gone: func(_ *workload.Cluster, _ workload.Size, i int, o *observation) bool {
			return o.mentionsChain(workload.PolicyOnAllLocal(i).Name)
		},
	}
}

func selectingAll() change {
	return change{
		name: "all-pods", do: "policy selecting every pod added", undo: "policy selecting every pod deleted",
		event: func(_ *workload.Cluster, i int) model.Event { return workload.Event(workload.PolicySelectingAll(i)) },
		seen: func(_ *workload.Cluster, size workload.Size, i int, o *observation) bool {
			pods := size.Local + size.Remote
			return o.mentionsChain(workload.PolicySelectingAll(i).Name) && o.elementsOf(family.V4) >= pods && o.elementsOf(family.V6) >= pods
		},
		gone: func(_ *workload.Cluster, _ workload.Size, i int, o *observation) bool {
			return o.mentionsChain(workload.PolicySelectingAll(i).Name) && o.setsGone >= 2
		},
	}
}

func podOf(e model.Event) *model.Pod {
	pod, ok := e.Value.(*model.Pod)
	if !ok {
		panic(fmt.Sprintf("%v is not a pod", e.Key))
	}
	return pod
}

// prepare makes the events that a request names.
func (a *agent) prepare(q request) error {
	a.events = nil
	switch q.Change {
	case nothing:
		return nil
	case churning:
		a.cluster.Churn(q.Index, func(o any) { a.events = append(a.events, workload.Event(o)) })
		return nil
	case packets:
		a.cluster.PacketPolicies(q.Index, func(o any) { a.events = append(a.events, workload.Event(o)) })
		return nil
	}
	c, err := changeNamed(q.Change)
	if err != nil {
		return err
	}
	e := c.event(a.cluster, q.Index)
	switch {
	case q.Undo && c.back != nil:
		e = c.back(a.cluster, q.Index)
	case q.Undo:
		e.Value = nil
	}
	a.events = []model.Event{e}
	return nil
}
