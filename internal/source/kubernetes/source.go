// Package kubernetes is the source that reads the API server: pods, nodes, namespaces,
// service accounts, services and network policies of Kubernetes, and Calico's resources
// under projectcalico.org/v3 or crd.projectcalico.org/v1, whichever the server has.
//
// # What stays and what goes
//
// An object goes when the server says that it has been deleted, or when a list that was
// read to its end does not have it. While the server cannot be reached, nothing changes;
// while a kind may not be read, or fails to be, nothing of it changes, and the source is
// not in sync. A kind that the server does not have has no objects. A list that has lost
// many policies, pools or blocks at once is read twice before it is believed: see guard.go.
//
// # What it costs
//
// The server: one connection, in it one stream for each kind, and no request while they
// are open. The node: an object is converted as it comes and then forgotten; what is kept
// is what was told to the sink, which is the model's own copy. Pods that cannot matter
// (finished, not scheduled, on the host network) are left out by the server.
//
// # What has gone wrong elsewhere
//
// A reader that decodes a list as a whole stands still when one object in it has a field
// of the wrong type; Calico's resources and policies are therefore read one by one, by
// package manifest, which also sees the fields that this version does not know. A reflector
// that lists anew after every broken connection makes a restart of the server the worst
// moment of its life; streams are taken up where they broke. A server that was restored
// from a backup has versions a second time; they are compared after every failure.
//
// The package owns nothing in the kernel.
package kubernetes

import (
	"context"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"

	"github.com/margay-net/margay/internal/source"
	"github.com/margay-net/margay/internal/source/convert"
	"github.com/margay-net/margay/internal/source/manifest"
)

// Options say which server a Source reads, and how.
type Options struct {
	Client *Client
	// Node is the name of the node that the agent runs on.
	Node    string
	Convert convert.Options
	// LostShare is how much of its policies, pools or blocks a list may lack at once and be
	// believed, as a percentage.
	LostShare int
	Sink      source.Sink
	// Link is called when the server is lost and when it is back; may be nil. It must not block.
	Link func(Link)
	// Saw is shown the own Node whenever it is read; may be nil. It must not block.
	Saw func(*corev1.Node)
	// Recorder finds in the Source the objects that it writes about; may be nil.
	Recorder *Recorder
	Log      *logrus.Entry
}

// Source follows an API server.
type Source struct {
	feeds     []*feed
	discovery *discovery
}

// New makes a Source. It asks nothing before Run.
func New(o Options) *Source {
	tell := newTeller(o)
	objects := &reader{convert: convert.New(o.Convert), raw: manifest.New(manifest.Options{}), node: o.Node, saw: o.Saw, share: newSharer()}
	d := &discovery{client: o.Client, tell: tell, log: o.Log, asked: make(chan struct{}, 1)}
	s := &Source{discovery: d}
	all := kinds()
	for i := range all {
		f := &feed{kind: &all[i], read: objects.read}
		kept := newStore(f.kind, tell)
		tell.stores, tell.feeds[f] = append(tell.stores, kept), &progress{}
		f.store, f.path = kept, f.kind.path
		if f.kind.calico() {
			f.places, f.lookup = make(chan string, 1), d.ask
			d.feeds = append(d.feeds, f)
		}
		s.add(f, o, tell)
	}
	if o.Recorder != nil {
		o.Recorder.follow(tell)
	}
	d.definitions, d.services = newNames(d.ask), newNames(d.ask)
	s.add(&feed{kind: definitions(), read: readName, store: d.definitions}, o, tell)
	s.add(&feed{kind: services(), read: readName, store: d.services}, o, tell)
	return s
}

// add adds a feed.
func (s *Source) add(f *feed, o Options, tell *teller) {
	f.client, f.tell, f.log, f.now = o.Client, tell, o.Log, time.Now
	f.path = f.kind.path
	s.feeds = append(s.feeds, f)
}

// Run reads and follows the server until the context ends.
func (s *Source) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	for _, f := range s.feeds {
		parts.Go(func() { f.run(ctx) })
	}
	parts.Go(func() { s.discovery.run(ctx) })
	parts.Wait()
	return nil
}
