package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

// board of notices: what was published, as text.
type notices struct {
	posted []string
	err    error
}

func (n *notices) Publish(_ context.Context, p source.NodePatch) error {
	if n.err != nil {
		return n.err
	}
	n.posted = append(n.posted, patchText(p))
	return nil
}

// patchText is a patch in one line: addresses, then conditions as type=reason.
func patchText(p source.NodePatch) string {
	var words []string
	for name, value := range p.Annotations {
		words = append(words, strings.TrimPrefix(name, "projectcalico.org/")+"="+value)
	}
	slices.Sort(words)
	for _, c := range p.Conditions {
		words = append(words, fmt.Sprintf("%s=%s", c.Type, c.Reason))
	}
	return strings.Join(words, " ")
}

// stand is an announcer whose node has the addresses of both families.
type stand struct {
	*announcer
	*notices
	t    *testing.T
	here family.Pair[[]netip.Prefix]
	err  error
}

func newStand(t *testing.T) *stand {
	s := &stand{t: t, notices: &notices{}}
	s.announcer = newAnnouncer("node-1", s.notices, health.NewBoard(family.Both), quiet())
	s.board.Ready(time.Now(), sourceComponent())
	s.list = func(f family.Family) ([]netip.Prefix, error) { return s.here.Get(f), s.err }
	s.here = family.PairOf(prefixes("127.0.0.1/8", "192.0.2.1/24"), prefixes("::1/128", "2001:db8::1/64"))
	return s
}

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// node is an event about the node's own object.
func node(name string, addresses ...string) model.Event {
	n := &model.Node{}
	for _, p := range prefixes(addresses...) {
		*n.Addresses.At(family.OfPrefix(p)) = p
	}
	return model.Event{Key: model.Key{Kind: model.KindNode, Name: name}, Value: n}
}

func (s *stand) wantPosted(want ...string) {
	s.t.Helper()
	s.publish(s.t.Context())
	if !slices.Equal(s.posted, want) {
		s.t.Errorf("published\n is  %q\nwant %q", s.posted, want)
	}
	s.posted = nil
}

const bothReady = "MargayIPv4Ready=Ready MargayIPv6Ready=Ready"

func TestTheSubnetIsPublished(t *testing.T) {
	s := newStand(t)
	s.wantPosted() // what an earlier run has published stands until the object is known
	s.see(node("node-2", "192.0.2.2/32"))
	s.wantPosted()
	s.see(node("node-1", "192.0.2.1/32", "2001:db8::1/128"))
	s.wantPosted("IPv4Address=192.0.2.1/24 IPv6Address=2001:db8::1/64 " + bothReady)
	s.see(node("node-1", "192.0.2.1/24", "2001:db8::1/64")) // as the source merges it
	s.wantPosted()
	s.see(gone(node("node-1")))
	s.wantPosted(bothReady)
}

// The directory of manifests is replaced, for example, by one in which nothing is published.
func TestWhatIsOverwrittenIsPublishedAgain(t *testing.T) {
	s := newStand(t)
	s.see(node("node-1", "192.0.2.1/32", "2001:db8::1/128"))
	all := "IPv4Address=192.0.2.1/24 IPv6Address=2001:db8::1/64 " + bothReady
	s.wantPosted(all)
	s.overwritten("node-2")
	s.wantPosted()
	s.overwritten("node-1")
	s.wantPosted(all)
	s.wantPosted()
}

func TestANodeWithoutAnObjectIsAnnouncedOnceAllIsRead(t *testing.T) {
	s := newStand(t)
	s.seenAll()
	s.wantPosted(bothReady)
}

// TestAnAddressGoesAndComesBack: what is published never hides what the object says, as
// it would after the node was given another address.
func TestAnAddressGoesAndComesBack(t *testing.T) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			s := newStand(t)
			s.see(node("node-1", "192.0.2.1/32", "2001:db8::1/128"))
			s.publish(t.Context())
			s.posted = nil
			had := s.here.Get(f)
			*s.here.At(f) = nil
			s.wantPosted() // the kernel has not said so
			s.addressesChanged()
			other := map[family.Family]string{family.V4: "IPv6Address=2001:db8::1/64 ", family.V6: "IPv4Address=192.0.2.1/24 "}
			s.wantPosted(other[f] + bothReady)
			*s.here.At(f) = had
			s.addressesChanged()
			s.wantPosted("IPv4Address=192.0.2.1/24 IPv6Address=2001:db8::1/64 " + bothReady)
		})
	}
}

func TestAddressesThatCannotBeReadChangeNothing(t *testing.T) {
	s := newStand(t)
	s.err = errors.New("no buffer space")
	s.see(node("node-1", "192.0.2.1/32"))
	s.wantPosted()
	s.err = nil // no event tells so: it is tried again at the next look
	s.wantPosted("IPv4Address=192.0.2.1/24 " + bothReady)
}

func TestReadinessIsPublishedByFamily(t *testing.T) {
	s := newStand(t)
	s.seenAll()
	now := time.Now()
	s.board.NotReady(now, dataplaneComponent(family.V6), "no route")
	s.wantPosted("MargayIPv4Ready=Ready MargayIPv6Ready=NotReady")
	s.board.SetFamilies(family.NewSet(family.V4))
	s.wantPosted("MargayIPv4Ready=Ready MargayIPv6Ready=Off")
	s.board.NotReady(now, sourceComponent(), "a.yaml: empty")
	s.wantPosted("MargayIPv4Ready=NotReady MargayIPv6Ready=Off")
	c := conditions(s.board.Detail(now))[0]
	if c.Status || c.Message != "source: a.yaml: empty" {
		t.Errorf("%+v", c)
	}
	s.board.SetCondition(now, health.Condition{Name: "RouteSourceAddressPresent", Family: family.V4, Status: health.False, Message: "192.0.2.9 is not there"})
	s.board.SetCondition(now, health.Condition{Name: "Mystery", Status: health.Unknown})
	s.wantPosted("MargayIPv4Ready=NotReady MargayIPv6Ready=Off MargayIPv4RouteSourceAddressPresent=RouteSourceAddressPresent")
}

func TestAReadOnlyDirectoryIsAConditionAndNothingElse(t *testing.T) {
	s := newStand(t)
	s.seenAll()
	condition := func() string {
		for _, c := range s.board.Detail(time.Now()).Conditions {
			return fmt.Sprint(c.Name, " ", c.Status, " ", c.Message)
		}
		return ""
	}
	s.notices.err = errors.New("read-only file system")
	s.wantPosted()
	if got, want := condition(), "NodeNotPublished True read-only file system"; got != want {
		t.Errorf("condition %q, want %q", got, want)
	}
	if d := s.board.Detail(time.Now()); !d.Ready {
		t.Errorf("not ready: %v", d.Reasons)
	}
	s.notices.err = nil
	s.wantPosted(bothReady)
	if got := condition(); got != "" {
		t.Errorf("condition %q is left", got)
	}
}

func TestSubnetOf(t *testing.T) {
	for _, c := range []struct {
		name, own string
		here      []string
		want      string
	}{
		{"one link", "192.0.2.1", []string{"198.51.100.1/24", "192.0.2.1/24"}, "192.0.2.1/24"},
		{"no link", "192.0.2.1", []string{"192.0.2.2/24"}, "invalid Prefix"},
		{"no link at all", "2001:db8::1", nil, "invalid Prefix"},
		{"alone", "2001:db8::1", []string{"2001:db8::1/128"}, "2001:db8::1/128"},
		{"alone on one link, with a subnet on another", "2001:db8::1", []string{"2001:db8::1/128", "2001:db8::1/64"}, "2001:db8::1/64"},
		{"the other way round", "2001:db8::1", []string{"2001:db8::1/64", "2001:db8::1/128"}, "2001:db8::1/64"},
		{"two subnets", "192.0.2.1", []string{"192.0.2.1/16", "192.0.2.1/24", "192.0.2.1/8"}, "192.0.2.1/24"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := subnetOf(netip.MustParseAddr(c.own), prefixes(c.here...)).String(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
	if got := subnetOf(netip.Addr{}, []netip.Prefix{{}}); got.IsValid() {
		t.Errorf("no address has %s", got)
	}
}

func TestTheAnnouncerEndsWithItsContext(t *testing.T) {
	ignored := goleak.IgnoreCurrent()
	defer goleak.VerifyNone(t, ignored)
	s := newStand(t)
	ctx, stop := context.WithCancel(t.Context())
	posted := make(chan struct{})
	s.publisher = publisherFunc(func() { close(posted) })
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.run(ctx); err != nil {
			t.Error(err)
		}
	})
	s.seenAll()
	<-posted
	stop()
	running.Wait()
}

// publisherFunc is called when something is published.
type publisherFunc func()

func (f publisherFunc) Publish(context.Context, source.NodePatch) error { f(); return nil }
