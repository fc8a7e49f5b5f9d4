package netlab

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/margay-net/margay/internal/family"
)

// Options say what a lab is to be. The zero value is a lab without nodes, on a link without
// addresses, that leaves no trace outside this process.
type Options struct {
	// Prefix begins the names of this lab's namespaces; labs that are named and run side by
	// side need different ones. Default "margay-".
	Prefix string
	// Named makes the network namespaces visible under /run/netns, to ip netns and to people.
	// What an earlier run left under the same prefix is removed first.
	Named bool
	// Keep leaves names and processes behind when the lab is closed or the process ends.
	Keep bool
	// Shared are further directories under /tmp or /run that nodes and pods see as they are.
	// The working directory, and that of the running program, always are.
	Shared []string
	// Link has the addresses of the link itself, which serve the nodes as a gateway and tests
	// as a host outside the cluster.
	Link []netip.Prefix
	// Nodes are made in this order, each with its pods.
	Nodes []NodeSpec
}

// Lab is a set of nodes on one link, or on several with routers between, with their pods. Its methods may be called concurrently.
type Lab struct {
	options Options
	shared  []string
	link    *Link

	mu      sync.Mutex
	further map[string]*Link // beside link, by name
	nodes   map[string]*Node
	pods    map[string]*Pod
	names   []string // mounted under /run/netns
}

// New builds a lab. On an error nothing of it is left. The caller closes the lab; a process
// that wants that to happen on Ctrl-C uses signal.NotifyContext and closes when it is done.
func New(o Options) (*Lab, error) {
	if o.Prefix == "" {
		o.Prefix = "margay-"
	}
	shared, err := alwaysShared()
	if err != nil {
		return nil, err
	}
	lab := &Lab{
		options: o,
		shared:  append(shared, o.Shared...),
		further: make(map[string]*Link),
		nodes:   make(map[string]*Node),
		pods:    make(map[string]*Pod),
	}
	if err := lab.build(); err != nil {
		return nil, errors.Join(err, lab.Close())
	}
	return lab, nil
}

func (l *Lab) build() (err error) {
	if l.options.Named {
		if err := RemoveNamed(l.options.Prefix); err != nil {
			return err
		}
	}
	if l.link, err = l.newLink("link", l.options.Link); err != nil {
		return err
	}
	for _, spec := range l.options.Nodes {
		if _, err := l.AddNode(spec); err != nil {
			return err
		}
	}
	return nil
}

// newSpace makes the namespaces of one member of the lab, named if the lab is.
func (l *Lab) newSpace(name string) (*Space, error) {
	s, err := newSpace(name, l.shared, l.options.Keep)
	if err != nil || !l.options.Named {
		return s, err
	}
	visible := l.options.Prefix + fileName(name)
	if err := nameNamespace(visible, s.NetFD()); err != nil {
		s.close()
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names = append(l.names, visible)
	return s, nil
}

// Link is the bridge that the nodes stand on.
func (l *Lab) Link() *Link { return l.link }

// Node is the node of that name, nil if there is none.
func (l *Lab) Node(name string) *Node {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nodes[name]
}

// Pod is the pod of that name, nil if there is none.
func (l *Lab) Pod(name string) *Pod {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pods[name]
}

// Member is a node, a pod or the link.
type Member interface {
	Name() string
	// Address is the member's first address of a family, invalid if it has none.
	Address(family.Family) netip.Addr
	Probe(context.Context, Probe) (Answer, error)
	Serve(ports ...uint16) (*Server, error)
}

// member is the pod, node or link of that name, nil if there is none.
func (l *Lab) member(name string) Member {
	if p := l.Pod(name); p != nil {
		return p
	}
	if n := l.Node(name); n != nil {
		return n
	}
	if name == l.link.name {
		return l.link
	}
	return nil
}

// Pods are all pods of the lab, by name.
func (l *Lab) Pods() []*Pod {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(maps.Values(l.pods), func(a, b *Pod) int { return strings.Compare(a.name, b.name) })
}

// Close ends the lab's processes and removes its namespaces, unless Options.Keep says otherwise.
// It may be called twice.
func (l *Lab) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.pods {
		p.close()
	}
	for _, n := range l.nodes {
		n.close()
	}
	for _, link := range l.further {
		link.close()
	}
	if l.link != nil {
		l.link.close()
	}
	if l.options.Keep {
		return nil
	}
	var errs []error
	for _, name := range l.names {
		errs = append(errs, removeName(name))
	}
	l.names = nil
	return errors.Join(errs...)
}

// Addrs parses addresses that are written in the source; it panics on a wrong one.
func Addrs(text ...string) []netip.Addr {
	addrs := make([]netip.Addr, len(text))
	for i, t := range text {
		addrs[i] = netip.MustParseAddr(t)
	}
	return addrs
}

// Prefixes parses prefixes that are written in the source; it panics on a wrong one.
func Prefixes(text ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(text))
	for i, t := range text {
		prefixes[i] = netip.MustParsePrefix(t)
	}
	return prefixes
}
