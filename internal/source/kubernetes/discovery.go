package kubernetes

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// discovery finds out which of two groups serves each of Calico's kinds, if any does, and
// tells their feeds. It looks when CustomResourceDefinitions or APIServices have changed,
// of which it watches the names.
type discovery struct {
	client *Client
	feeds  []*feed // of Calico's kinds
	tell   *teller
	log    *logrus.Entry
	// asked holds a token when somebody wants it to look.
	asked chan struct{}
	pace  pace
	found bool // it has looked with success
	named bool // it has looked with the names of definitions known

	definitions, services *names
}

// Times of the discovery.
const (
	// settleTime is how long it looks again and again after a change: a definition is served
	// a moment after it has been established.
	settleTime = 10 * time.Second
	// blindPause is between two looks, and up to twice as long, where definitions may not be
	// watched.
	blindPause = 5 * time.Minute
	// namesMost is how long it waits at first for the names of definitions.
	namesMost = 3 * time.Second
)

// ask has the discovery look.
func (d *discovery) ask() {
	select {
	case d.asked <- struct{}{}:
	default:
	}
}

// run looks until the context ends.
func (d *discovery) run(ctx context.Context) {
	d.named = d.definitions.first(ctx, namesMost)
	var until time.Time
	for step := time.Second; ctx.Err() == nil; step *= 2 {
		err := d.look(ctx)
		now := time.Now()
		wait := step
		switch {
		case err != nil:
			wait = d.pace.next(err)
		case now.After(until):
			d.pace.calm()
			wait = d.idle()
		}
		if d.sleep(ctx, wait) {
			until, step = time.Now().Add(settleTime), time.Second/2
		}
	}
}

// idle is how long to wait for a question; 0 is for ever.
func (d *discovery) idle() time.Duration {
	if d.definitions.known() {
		return 0
	}
	return blindPause + rand.N(blindPause) //nolint:gosec // no secret
}

// sleep waits; true if somebody has asked meanwhile.
func (d *discovery) sleep(ctx context.Context, wait time.Duration) (asked bool) {
	var over <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		over = t.C
	}
	var named <-chan struct{}
	if !d.named {
		named = d.definitions.ready
	}
	select {
	case <-ctx.Done():
	case <-over:
	case <-d.tell.returned():
	case <-named:
		d.named = true
		return true
	case <-d.asked:
		return true
	}
	return false
}

// look asks both groups what they serve, and tells the feeds.
func (d *discovery) look(ctx context.Context) error {
	var served [2]map[string]bool
	for i, g := range calicoGroups() {
		list := &metav1.APIResourceList{}
		err := d.client.typed.Get().AbsPath(g.path).MaxRetries(0).Do(ctx).Into(list)
		switch what := meaning(err); {
		case what == absent:
		case err != nil:
			d.noteFailure(g, what, err)
			return err
		}
		served[i] = map[string]bool{}
		for _, r := range list.APIResources {
			served[i][r.Name] = true
		}
	}
	d.found = true
	for _, f := range d.feeds {
		f.inform(d.choose(f.kind, served))
	}
	d.tell.noteDiscovery("")
	return nil
}

// noteFailure tells that a group cannot be looked at. What was found before stays good
// while the server is lost, and for a while if it fails.
func (d *discovery) noteFailure(g calicoGroup, what failure, err error) {
	now := time.Now()
	if d.pace.since.IsZero() {
		d.pace.since = now
	}
	passing := what == lost || (what == busy || what == ailing) && now.Sub(d.pace.since) < ailMost
	if !d.found || !passing {
		d.tell.noteDiscovery("discovery of " + g.path + ": " + err.Error())
	}
	d.log.WithError(err).WithField("group", g.name).Debug("The API server does not say what it serves")
}

// choose says where a kind's objects are; empty for nowhere. Where both groups have it,
// either projectcalico.org is a server that keeps its objects in the other group, which then
// is the shorter way; or it has definitions of its own, and the other group is what was
// there before.
func (d *discovery) choose(k *kind, served [2]map[string]bool) string {
	groups := calicoGroups()
	first, second := served[0][k.resource], served[1][k.resource]
	switch {
	case first && (!second || d.definitions.has(k.resource+"."+groups[0].name)):
		return groups[0].path + "/" + k.resource
	case second:
		return groups[1].path + "/" + k.resource
	}
	return ""
}

// inform tells a feed where its kind is. What it has not seen yet is void.
func (f *feed) inform(at string) {
	for {
		select {
		case f.places <- at:
			return
		case <-f.places:
		}
	}
}

// names keeps the names of objects that tell of Calico's kinds. It is the keeper of a feed.
type names struct {
	changed func()

	mu    sync.Mutex
	all   map[string]bool
	ready chan struct{} // closed when they are known
}

func newNames(changed func()) *names { return &names{changed: changed, ready: make(chan struct{})} }

// readName reads nothing of an object but its name.
func readName(obj runtime.Object) (reading, error) {
	m, err := accessor(obj)
	if err != nil {
		return reading{}, err
	}
	return reading{name: types.NamespacedName{Name: m.GetName()}}, nil
}

// matters says whether a name tells of Calico's kinds.
func matters(name string) bool { return strings.HasSuffix(name, "."+calicoGroups()[0].name) }

func (n *names) set(r *reading) { n.change(r.name.Name, true) }

func (n *names) remove(name types.NamespacedName) { n.change(name.Name, false) }

func (n *names) change(name string, there bool) {
	if !matters(name) {
		return
	}
	n.mu.Lock()
	n.all[name] = there
	n.mu.Unlock()
	n.changed()
}

func (n *names) replace(all collection, _ bool) bool {
	n.mu.Lock()
	first := n.all == nil
	n.all = map[string]bool{}
	for name := range all {
		n.all[name.Name] = matters(name.Name)
	}
	n.mu.Unlock()
	if first {
		close(n.ready)
	} else {
		n.changed()
	}
	return false
}

func (n *names) holds() bool { return false }

func (n *names) has(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all[name]
}

// known says whether the names have been read.
func (n *names) known() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all != nil
}

// first waits until the names are known, but not for ever. It says whether they are.
func (n *names) first(ctx context.Context, most time.Duration) bool {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-n.ready:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}
