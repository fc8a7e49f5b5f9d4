package demo

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// The flows that run while the policy changes. The example's policies let steadySender in before
// and after, guestSender in between only.
const (
	steadySender = "shop/web"
	guestSender  = "shop/db"
	receiver     = "shop/api"
	// firstStreamPort and the three after it: every stream is received on a port of its own.
	firstStreamPort = Port + 1
)

const (
	// pace is the time between two packets of a stream, and how exact a time read off it can be.
	pace = time.Millisecond
	// stretch is how many packets of the steady streams are let pass before each change and at the end.
	stretch = 100
	// quiet is how long nothing must pass before a flow counts as denied again.
	quiet = 100 * time.Millisecond
	// limit is how long a change may take to arrive.
	limit = 10 * time.Second
)

// traffic is what runs: UDP, every packet a flow of its own, so that each meets the policy of its moment.
type traffic struct {
	steady, guest family.Pair[*netlab.Stream]
}

// startTraffic starts all streams, the steady ones so that they have begun to arrive.
func startTraffic(ctx context.Context, lab *netlab.Lab) (*traffic, error) {
	t := &traffic{}
	port := uint16(firstStreamPort)
	for _, f := range family.All() {
		var err, failed error
		*t.steady.At(f), err = netlab.Start(ctx, stream(lab, steadySender, f, port))
		*t.guest.At(f), failed = netlab.StartBlocked(stream(lab, guestSender, f, port+1))
		if err := errors.Join(err, failed); err != nil {
			t.stop()
			return nil, err
		}
		port += 2
	}
	return t, nil
}

func stream(lab *netlab.Lab, sender string, f family.Family, port uint16) netlab.Traffic {
	to := lab.Pod(receiver)
	return netlab.Traffic{
		Protocol: netlab.UDP,
		From:     lab.Pod(sender).Space,
		Receiver: to.Space,
		To:       netip.AddrPortFrom(to.Address(f), port),
		Every:    pace,
		NewFlows: true,
	}
}

// streams are those that have been started.
func (t *traffic) streams() []*netlab.Stream {
	var all []*netlab.Stream
	for _, f := range family.All() {
		for _, s := range []*netlab.Stream{t.steady.Get(f), t.guest.Get(f)} {
			if s != nil {
				all = append(all, s)
			}
		}
	}
	return all
}

// stop ends all streams and waits for what is on its way. Their reports can be read afterwards.
func (t *traffic) stop() {
	var stopping sync.WaitGroup
	for _, s := range t.streams() {
		stopping.Go(func() { s.Stop() })
	}
	stopping.Wait()
}

// runOn waits until more packets of every steady stream have passed.
func (t *traffic) runOn(ctx context.Context) error {
	return each(t.steady, func(f family.Family, s *netlab.Stream) error {
		for range stretch {
			if err := within(ctx, limit, s); err != nil {
				return fmt.Errorf("%s stream from %s to %s, allowed all the time: nothing passes any more: %w", f, steadySender, receiver, err)
			}
		}
		return nil
	})
}

// awaitOpen waits until packets of the guest pass.
func (t *traffic) awaitOpen(ctx context.Context) error {
	return each(t.guest, func(f family.Family, s *netlab.Stream) error {
		if err := within(ctx, limit, s); err != nil {
			return fmt.Errorf("%s from %s to %s: nothing passes within %s of the change: %w", f, guestSender, receiver, limit, err)
		}
		return nil
	})
}

// awaitClosed waits until packets of the guest pass no more.
func (t *traffic) awaitClosed(ctx context.Context) error {
	return each(t.guest, func(f family.Family, s *netlab.Stream) error {
		for end := time.Now().Add(limit); time.Now().Before(end); {
			if err := within(ctx, quiet, s); err != nil {
				return ctx.Err() // nil: nothing has passed, and nobody has broken it off
			}
		}
		return fmt.Errorf("%s from %s to %s: still passes %s after the change was taken back", f, guestSender, receiver, limit)
	})
}

// within waits for the stream's next packet to arrive, at most as long as given.
func within(ctx context.Context, patience time.Duration, s *netlab.Stream) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := s.Next(limited)
	return err
}

// each calls a function for both families at once, and returns the first error.
func each(pair family.Pair[*netlab.Stream], call func(family.Family, *netlab.Stream) error) error {
	var group errgroup.Group
	for _, f := range family.All() {
		group.Go(func() error { return call(f, pair.Get(f)) })
	}
	return group.Wait()
}
