package kubernetes

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/margay-net/margay/internal/model"
)

// sharer lets pods share what they have in common: the pods of a deployment have the same
// labels and ports, those of a node its name. A value is not changed once it has been told,
// so that one copy will do. It is used by one goroutine.
//
// What it knows it forgets when that has become much: pods that come later then share
// other copies.
type sharer struct {
	labels map[string]map[string]string
	ports  map[string][]model.NamedPort
	texts  map[string]string
}

// sharedMost is how much of each a sharer knows.
const sharedMost = 50_000

func newSharer() *sharer {
	return &sharer{labels: map[string]map[string]string{}, ports: map[string][]model.NamedPort{}, texts: map[string]string{}}
}

// pod replaces parts of a pod, which nobody else has seen yet, by equal ones of others.
func (s *sharer) pod(p *model.Pod) {
	p.Node, p.ServiceAccount = s.text(p.Node), s.text(p.ServiceAccount)
	p.Labels = s.shareLabels(p.Labels)
	if len(p.Ports) > 0 {
		p.Ports = share(s.ports, portsKey(p.Ports), p.Ports)
	}
}

// text is an equal text of its own: what protobuf decodes into can be a part of more.
func (s *sharer) text(t string) string { return share(s.texts, t, t) }

func (s *sharer) shareLabels(labels map[string]string) map[string]string {
	names := slices.Sorted(maps.Keys(labels))
	var key strings.Builder
	for _, name := range names {
		key.WriteString(strconv.Quote(name))
		key.WriteString(strconv.Quote(labels[name]))
	}
	if known, ok := s.labels[key.String()]; ok {
		return known
	}
	out := make(map[string]string, len(labels))
	for _, name := range names {
		out[s.text(name)] = s.text(labels[name])
	}
	return share(s.labels, key.String(), out)
}

func portsKey(ports []model.NamedPort) string {
	var key strings.Builder
	for _, p := range ports {
		key.WriteString(strconv.Quote(p.Name))
		key.Write([]byte{byte(p.Protocol), byte(p.Port >> 8), byte(p.Port)})
	}
	return key.String()
}

// share is the value that stands for all that are equal to this one.
func share[V any](known map[string]V, key string, value V) V {
	if first, ok := known[key]; ok {
		return first
	}
	if len(known) >= sharedMost {
		clear(known)
	}
	known[key] = value
	return value
}
