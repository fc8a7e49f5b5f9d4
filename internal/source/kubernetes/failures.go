package kubernetes

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/sirupsen/logrus"
)

// failure is what an error means for what is known.
type failure uint8

const (
	// ended is no failure: streams end.
	ended failure = iota
	// forgotten: the server has no changes since the version that was asked for. One that
	// has been restarted has none at all.
	forgotten
	// unsupported: the server does not know a way of asking.
	unsupported
	// lost: no answer. What is known stays good for as long as it lasts.
	lost
	// busy: the server asks to be left alone for a while.
	busy
	// ailing: the server has failed, perhaps for a moment.
	ailing
	// absent: there is no such kind.
	absent
	// refused: it will not answer this, and says so.
	refused
)

// meaning sorts an error of a list or a stream.
func meaning(err error) failure {
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return ended
	case !errors.As(err, &status):
		return lost
	case apierrors.IsResourceExpired(err), apierrors.IsGone(err),
		apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge):
		return forgotten
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return unsupported
	case apierrors.HasStatusCause(err, clientDecoding):
		return lost
	case apierrors.IsTooManyRequests(err):
		return busy
	case apierrors.IsNotFound(err):
		return absent
	case status.Status().Code >= 500:
		return ailing
	}
	return refused
}

// clientDecoding is the cause that client-go gives to what it could not read of a stream:
// mostly a connection that broke in the middle.
const clientDecoding = metav1.CauseType("ClientWatchDecoding")

// ailMost is how long a server that answers with failures may do so before what it does
// not tell counts as not known. It is longer than a server takes to restart.
const ailMost = 30 * time.Second

// settle notes what an error means, and waits until it is time to try again.
func (f *feed) settle(ctx context.Context, err error) {
	what := meaning(err)
	f.broken = f.broken || what == lost || what == ailing
	switch what {
	case ended:
		f.pace.calm()
		return
	case forgotten:
		if f.version != "" { // not the full read itself
			f.version, f.pace.wait = "", 0
		}
	case unsupported:
		if f.fallBack() {
			return
		}
	case absent:
		f.version = ""
		if f.lookup != nil {
			f.lookup()
		}
	}
	if opened := f.pace.opened; !opened.IsZero() && f.now().Sub(opened) > steady {
		f.pace.wait = 0
	}
	level := logrus.DebugLevel
	if f.pace.since.IsZero() && what == refused { // the first of a row, and none that passes by itself
		level = logrus.WarnLevel
	}
	f.noteFailure(what, err)
	wait := f.pace.next(err)
	f.log.WithError(err).WithFields(logrus.Fields{"resource": f.kind.label(), "wait": wait}).Log(level, "The API server is asked again later")
	f.rest(ctx, wait)
}

// rest waits, until there is another place to ask at.
func (f *feed) rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case at := <-f.places:
		f.move(at)
	case <-f.tell.returned():
	}
}

// fallBack gives up the newest way of asking that is in use; false if there is none.
func (f *feed) fallBack() bool {
	switch {
	case f.version == "" && !f.paged:
		f.paged = true
	case f.kind.without != "" && !f.wide:
		f.wide, f.paged, f.version = true, false, ""
	default:
		return false
	}
	return true
}

// noteFailure tells of a failure.
func (f *feed) noteFailure(what failure, err error) {
	now := f.now()
	if f.pace.since.IsZero() {
		f.pace.since = now
	}
	lasting := now.Sub(f.pace.since) > ailMost
	f.tell.note(f, func(p *progress) {
		switch {
		case what == lost:
			p.lost = err.Error()
		case what == refused, what == unsupported, what == absent && f.places == nil,
			(what == ailing || what == busy) && (lasting || !p.read):
			p.failing = err.Error()
		}
	})
}

// compare looks, after a failure, whether the server still is where it was. One that was
// restored from a backup has versions that it has had before, and would let a stream wait
// for versions that are long to come.
func (f *feed) compare(ctx context.Context) error {
	list := &rawList{}
	if err := f.client.list(ctx, asMetadata, f.path, metav1.ListOptions{Limit: 1}, list); err != nil {
		return err
	}
	if older(list.ResourceVersion, f.version) {
		f.log.WithFields(logrus.Fields{"resource": f.kind.label(), "version": list.ResourceVersion, "known": f.version}).
			Warn("The API server has gone back in time; reading everything anew")
		f.version = ""
	}
	return nil
}

// older compares two versions, which are numbers that grow (KEP-5504).
func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}

// pace is how often a feed asks.
type pace struct {
	opened time.Time // when the present stream was; zero if there is none
	since  time.Time // when what fails began to
	wait   time.Duration
}

// Pauses between two attempts: each is twice the one before, and at random up to twice as
// long again.
const (
	waitLeast = 200 * time.Millisecond
	waitMost  = 15 * time.Second
	// steady is how long a stream must have lasted for the pauses to begin anew.
	steady = 10 * time.Second
)

// calm begins anew: all is well.
func (p *pace) calm() { p.wait, p.since = 0, time.Time{} }

// next is how long to wait after an error: at least as long as the server asks.
func (p *pace) next(err error) time.Duration {
	p.wait = min(max(2*p.wait, waitLeast), waitMost)
	wait := p.wait
	if seconds, asked := apierrors.SuggestsClientDelay(err); asked {
		wait = max(wait, time.Duration(seconds)*time.Second)
	}
	return wait + rand.N(wait) //nolint:gosec // no secret
}

// pause waits; false if the context has ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
