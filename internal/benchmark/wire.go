package main

import (
	"encoding/gob"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// wireEvent is an event as it goes through a pipe. gob wants exported fields, which a
// node's addresses are not.
type wireEvent struct {
	Key   model.Key
	Value model.Value
	Node  *wireNode
}

type wireNode struct {
	Addresses []netip.Prefix
	VXLAN     []model.TunnelEnd // in the order of family.All
	PodCIDRs  []netip.Prefix
	Labels    map[string]string
}

func toWire(e model.Event) wireEvent {
	node, ok := e.Value.(*model.Node)
	if !ok {
		return wireEvent{Key: e.Key, Value: e.Value}
	}
	w := &wireNode{PodCIDRs: node.PodCIDRs, Labels: node.Labels}
	for _, f := range family.All() {
		if a := node.Addresses.Get(f); a.IsValid() {
			w.Addresses = append(w.Addresses, a)
		}
		w.VXLAN = append(w.VXLAN, node.VXLAN.Get(f))
	}
	return wireEvent{Key: e.Key, Node: w}
}

func (w wireEvent) event() model.Event {
	if w.Node == nil {
		return model.Event{Key: w.Key, Value: w.Value}
	}
	node := &model.Node{PodCIDRs: w.Node.PodCIDRs, Labels: w.Node.Labels}
	for _, a := range w.Node.Addresses {
		*node.Addresses.At(family.OfPrefix(a)) = a
	}
	for i, f := range family.All() {
		*node.VXLAN.At(f) = w.Node.VXLAN[i]
	}
	return model.Event{Key: w.Key, Value: node}
}

// registerWire tells gob which values there are.
func registerWire() {
	for _, v := range []model.Value{
		&model.Pod{}, &model.Namespace{}, &model.ServiceAccount{}, &model.NetworkSet{}, &model.Pool{},
		&model.Block{}, &model.Service{}, &model.Policy{}, &model.Tier{},
	} {
		gob.Register(v)
	}
}
