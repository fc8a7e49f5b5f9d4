package kubernetes

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/sirupsen/logrus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// feed reads one kind from the server: all of it once, then its changes.
//
// It is to the server what a reflector of client-go is, with three differences that the
// number of nodes asks for. An object is converted as it comes, so that no list is ever
// held in full. A stream that breaks, for whatever reason, is taken up where it broke; all
// is read again only if the server says that it has forgotten, or turns out to have gone
// back in time. And what is wrong is told by what it means: see failures.go.
type feed struct {
	kind   *kind
	client *Client
	// read makes a reading of an object.
	read  func(runtime.Object) (reading, error)
	store keeper
	tell  *teller
	log   *logrus.Entry
	now   func() time.Time

	// places holds the newest answer to where the kind's objects are: a path, or empty for
	// nowhere. It is nil for kinds that are always there.
	places chan string
	// lookup asks for another answer.
	lookup func()

	path    string
	version string           // of what is known; empty to read all anew
	known   bool             // all has been read before
	paged   bool             // the server does not stream lists
	wide    bool             // the server does not know the kind's selector
	sure    bool             // the next full read is the second one
	broken  bool             // the last stream has failed, so that the server may not be what it was
	again   <-chan time.Time // when to read all anew, as the last list was doubtful
	resync  <-chan time.Time // likewise, as a stream was taken up after a failure
	pace    pace
}

// keeper takes in what a feed has read.
type keeper interface {
	// set takes in one object, and remove takes one out.
	set(*reading)
	remove(types.NamespacedName)
	// replace takes in all that there is. It says whether it takes another list to believe
	// that what this one lacks is gone; sure says that this is that other list.
	replace(all collection, sure bool) (doubtful bool)
	// holds says whether there is any object.
	holds() bool
}

// Times of a feed.
const (
	// streamLeast is how long the server keeps a stream open at least, in seconds; it is up to
	// twice as long, so that the streams of many nodes do not end together.
	streamLeast = 300
	// standingAfter is how long a stream must not have ended to count as open. A connection
	// that is cut before the answer looks like a stream that ends at once (rest.Request.Watch).
	standingAfter = 100 * time.Millisecond
	// silentMost is how long a stream may be silent before the list has ended.
	silentMost = 20 * time.Second
	// confirmAfter is when a list that has lost much is read for the second time: at random
	// between half of it and all.
	confirmAfter = 10 * time.Second
	// resyncLeast is how long after a failure all is read anew, and up to resyncSpread longer:
	// a server that was restored from a backup, and has got beyond the version that it had
	// before, cannot be told from one that was only away.
	resyncLeast  = 10 * time.Minute
	resyncSpread = 50 * time.Minute
)

// run reads until the context ends.
func (f *feed) run(ctx context.Context) {
	for f.locate(ctx) {
		err := f.turn(ctx)
		if ctx.Err() != nil {
			return
		}
		f.tell.note(f, func(p *progress) { p.open = false })
		f.settle(ctx, err)
	}
}

// locate waits until the kind is somewhere; false if the context has ended.
func (f *feed) locate(ctx context.Context) bool {
	for f.path == "" {
		select {
		case <-ctx.Done():
			return false
		case at := <-f.places:
			f.move(at)
		case <-f.again:
			f.again = nil
			f.lookup()
		}
	}
	return ctx.Err() == nil
}

// move takes note of where the kind's objects are. A kind that is nowhere has none; that
// one which had some is nowhere has to be said twice. It says whether they have moved.
func (f *feed) move(at string) bool {
	if at == f.path && at != "" {
		return false
	}
	f.path, f.version = at, ""
	switch {
	case at != "":
	case !f.sure && f.store.holds():
		f.sure, f.again = true, time.After(confirmAfter/2)
	default:
		f.finish(collection{})
	}
	return true
}

// turn reads all there is, or opens a stream where the last one has ended, and follows it.
// Without an error, the stream has ended as streams do.
func (f *feed) turn(ctx context.Context) error {
	f.pace.opened = time.Time{}
	if f.version == "" {
		return f.readAll(ctx)
	}
	if f.broken {
		if err := f.compare(ctx); err != nil || f.version == "" {
			return err
		}
	}
	w, err := f.open(ctx, metav1.ListOptions{ResourceVersion: f.version})
	if err != nil {
		return err
	}
	defer w.Stop()
	return f.follow(ctx, w, nil)
}

// open opens a stream.
func (f *feed) open(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	seconds := streamLeast + rand.Int64N(streamLeast) //nolint:gosec // no secret
	o.TimeoutSeconds, o.AllowWatchBookmarks, o.FieldSelector = &seconds, true, f.selector()
	w, err := f.client.watch(ctx, f.kind.form(), f.path, o)
	if err == nil {
		f.pace.opened = f.now()
	}
	return w, err
}

func (f *feed) selector() string {
	if f.wide {
		return ""
	}
	return f.kind.without
}

// collection is what a full read has brought so far.
type collection map[types.NamespacedName]*reading

// errNoEnd is that of a server that streams objects and not where they end, as those do
// that know no better.
var errNoEnd = errors.New("the stream does not say where the list ends")

// errShort is the end of a stream that has said nothing.
var errShort = errors.New("the stream ended at once")

// follow takes events from a stream until it ends. While all is being read, what comes is
// collected; the bookmark at the end puts it in force.
func (f *feed) follow(ctx context.Context, w watch.Interface, all collection) error {
	heard, standing := false, false
	silent := time.NewTimer(standingAfter)
	defer silent.Stop()
	stand := func() {
		if !standing {
			standing = true
			f.opened(all == nil)
		}
		silent.Reset(silentMost)
	}
	for {
		select {
		case <-silent.C:
			if standing && all != nil {
				f.paged = true
				return errNoEnd
			}
			stand()
		case <-ctx.Done():
			return ctx.Err()
		case <-f.again:
			f.again, f.version = nil, ""
			return nil
		case <-f.resync:
			f.resync, f.version = nil, ""
			return nil
		case at := <-f.places:
			if f.move(at) {
				return nil
			}
		case e, more := <-w.ResultChan():
			if !more {
				return f.ended(heard, all)
			}
			if e.Type == watch.Error {
				return apierrors.FromObject(e.Object)
			}
			heard = true
			stand()
			if err := f.take(e, &all); err != nil {
				return err
			}
		}
	}
}

// ended says what the end of a stream means.
func (f *feed) ended(heard bool, all collection) error {
	if all != nil || !heard && f.now().Sub(f.pace.opened) < time.Second {
		return errShort
	}
	// The server ends a stream when its time is up; one that ends before has broken.
	f.broken = f.now().Sub(f.pace.opened) < streamLeast*time.Second
	return nil
}

// opened notes that the server is heard.
func (f *feed) opened(whole bool) {
	f.tell.hear(f.now())
	if whole {
		f.pace.since = time.Time{}
		if f.broken && f.resync == nil {
			f.resync = time.After(resyncLeast + rand.N(resyncSpread)) //nolint:gosec // no secret
		}
	}
	f.broken = false
	f.tell.note(f, func(p *progress) {
		p.open, p.lost = true, ""
		if whole {
			p.failing = ""
		}
	})
}

// take takes in one event.
func (f *feed) take(e watch.Event, all *collection) error {
	meta, err := accessor(e.Object)
	if err != nil {
		return err
	}
	switch e.Type {
	case watch.Bookmark:
		if *all != nil && meta.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true" {
			f.finish(*all)
			*all = nil
		}
	case watch.Deleted:
		name := types.NamespacedName{Namespace: meta.GetNamespace(), Name: meta.GetName()}
		if *all != nil {
			delete(*all, name)
		} else {
			f.store.remove(name)
		}
	default:
		if err := f.takeObject(e.Object, *all); err != nil {
			return err
		}
	}
	if *all == nil {
		f.version = meta.GetResourceVersion()
		f.tell.hear(f.now())
	}
	return nil
}

// takeObject takes in an object, or collects it.
func (f *feed) takeObject(obj runtime.Object, all collection) error {
	r, err := f.read(obj)
	if err != nil {
		return err
	}
	if all != nil {
		all[r.name] = &r
		return nil
	}
	f.store.set(&r)
	return nil
}

// finish puts a full read in force.
func (f *feed) finish(all collection) {
	doubtful := f.store.replace(all, f.sure)
	f.known, f.sure, f.again, f.resync, f.pace.since = true, doubtful, nil, nil, time.Time{}
	if doubtful {
		wait := confirmAfter/2 + rand.N(confirmAfter/2) //nolint:gosec // no secret
		f.log.WithFields(logrus.Fields{"resource": f.kind.label(), "wait": wait}).Warn("A list has lost much at once; waiting for a second one")
		f.again = time.After(wait)
	}
	f.tell.note(f, func(p *progress) { p.read, p.failing, p.lost = true, "", "" })
}

// accessor is an object's metadata.
func accessor(obj runtime.Object) (metav1.Object, error) {
	m, ok := obj.(metav1.Object)
	if !ok {
		return nil, errors.New("an event without an object")
	}
	return m, nil
}
