package kubernetes

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/margay-net/margay/internal/model"
)

// subject is an object that something is said about.
type subject struct {
	reference
	namespace, name string
	key             model.Key
}

// GraphPlace is what the place of a problem begins with that the calculation has found;
// then comes the model's name of the object.
const GraphPlace = "graph "

// find finds the object that problems were reported for, by their place: a store's own, or
// the calculation's. Only those are found that Events are written about.
func (t *teller) find(place string) (subject, bool) {
	if t == nil {
		return subject{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key, found := strings.CutPrefix(place, GraphPlace)
	for _, s := range t.stores {
		switch {
		case found:
			if name, ok := s.named(key); ok {
				return s.subject(name)
			}
		case strings.HasPrefix(place, s.kind.label()+" "):
			namespace, name, ok := strings.Cut(strings.TrimPrefix(place, s.kind.label()+" "), "/")
			if !ok {
				namespace, name = "", namespace
			}
			if found, ok := s.subject(types.NamespacedName{Namespace: namespace, Name: name}); ok {
				return found, true
			}
		}
	}
	return subject{}, false
}

// named is the API's name of the object that the model calls by a key. Mostly it is the same;
// names of policies can have their tier before them.
func (s *store) named(key string) (types.NamespacedName, bool) {
	parts := strings.SplitN(key, "/", 3)
	name := types.NamespacedName{Name: parts[len(parts)-1]}
	if len(parts) == 3 {
		name.Namespace = parts[1]
	}
	if s.objects[name].key.String() == key {
		return name, true
	}
	if !s.kind.guarded {
		return name, false
	}
	for name, o := range s.objects {
		if o.key.String() == key {
			return name, true
		}
	}
	return name, false
}

func (s *store) subject(name types.NamespacedName) (subject, bool) {
	o := s.objects[name]
	if o.reference == nil {
		return subject{}, false
	}
	return subject{reference: *o.reference, namespace: name.Namespace, name: name.Name, key: o.key}, true
}

// writersMost is how many nodes' agents write of an object that is no pod: more than one, as
// not every node need have an agent.
const writersMost = 3

// chosen says whether it is for the agent of a node to write about an object. About a pod it
// is: of others' pods none is a subject.
func (t *teller) chosen(s subject, node string) bool {
	if s.key.Kind == model.KindPod {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	own, before := rank(s, node), 0
	for _, other := range t.nodes() {
		if other != node && cmp.Or(cmp.Compare(rank(s, other), own), cmp.Compare(other, node)) < 0 {
			before++
		}
	}
	return before < writersMost
}

// nodes are the names of all nodes. The mutex is held.
func (t *teller) nodes() []string {
	i := slices.IndexFunc(t.stores, func(s *store) bool { return s.kind.name == "Node" })
	if i < 0 {
		return nil
	}
	names := make([]string, 0, len(t.stores[i].objects))
	for name := range t.stores[i].objects {
		names = append(names, name.Name)
	}
	return names
}

// rank orders nodes in another way for each object (rendezvous hashing).
func rank(s subject, node string) uint64 {
	h := fnv.New64a()
	for _, part := range []string{string(s.uid), "/", node} {
		_, _ = h.Write([]byte(part)) // never fails
	}
	return h.Sum64()
}
