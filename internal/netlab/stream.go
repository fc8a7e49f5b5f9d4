package netlab

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/margay-net/margay/internal/family"
)

// Traffic describes a Stream.
type Traffic struct {
	// Protocol is TCP or UDP.
	Protocol Protocol
	// From sends to the address To, which belongs to Receiver; its port is the stream's own.
	From     *Space
	Receiver *Space
	To       netip.AddrPort
	// Every is the time between two messages; 0 is 2 ms.
	Every time.Duration
	// NewFlows makes every message a flow of its own (a new port, and for TCP a connection), so
	// that each meets the policy of its moment. Else all travel in one flow, which connection
	// tracking knows after the first.
	NewFlows bool
}

// Stream is traffic that goes on until it is stopped: numbered messages at a steady pace, each
// with the time at which it left and, if it did, arrived.
type Stream struct {
	traffic Traffic
	pause   context.CancelFunc // ends the sending
	paused  chan struct{}      // closed when it has ended
	life    context.Context    // of sockets
	end     context.CancelFunc // ends life
	workers sync.WaitGroup

	mu      sync.Mutex
	sent    []time.Time
	arrived []time.Time
	changed chan struct{} // closed and replaced at each arrival
}

// Start begins a stream and returns when its first message has arrived, or with an error if none
// has within Patience.
func Start(ctx context.Context, traffic Traffic) (*Stream, error) {
	s, err := StartBlocked(traffic)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	if _, err := s.Next(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("%s: nothing arrives: %w", traffic, err)
	}
	return s, nil
}

// StartBlocked begins a stream of which nothing need arrive, yet or ever.
func StartBlocked(traffic Traffic) (*Stream, error) {
	if traffic.Every == 0 {
		traffic.Every = 2 * time.Millisecond
	}
	s := &Stream{traffic: traffic, changed: make(chan struct{}), paused: make(chan struct{})}
	s.life, s.end = context.WithCancel(context.Background())
	sending, pause := context.WithCancel(s.life)
	s.pause = pause
	open := s.overUDP
	if traffic.Protocol == TCP {
		open = s.overTCP
	}
	send, err := open()
	if err != nil {
		close(s.paused)
		s.Stop()
		return nil, fmt.Errorf("%s: %w", traffic, err)
	}
	go s.pace(sending, send)
	return s, nil
}

// String is the stream as it is to be named in messages.
func (t Traffic) String() string {
	return fmt.Sprintf("%s %s stream from %s to %s", family.Of(t.To.Addr()), t.Protocol, t.From.name, t.Receiver.name)
}

// sender sends message n. What becomes of it shows at the receiver only.
type sender func(n uint64)

// pace sends until the stream is stopped. A message is counted as sent before it is, so that its
// arrival never comes first.
func (s *Stream) pace(ctx context.Context, send sender) {
	defer close(s.paused)
	tick := time.NewTicker(s.traffic.Every)
	defer tick.Stop()
	for n := uint64(0); ; n++ {
		s.mu.Lock()
		s.sent = append(s.sent, time.Now())
		s.arrived = append(s.arrived, time.Time{})
		s.mu.Unlock()
		send(n)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// arrive notes the arrival of message n; of a repeated one the first counts.
func (s *Stream) arrive(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n >= uint64(len(s.arrived)) || !s.arrived[n].IsZero() {
		return
	}
	s.arrived[n] = time.Now()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Next waits for the arrival of a message that is sent after the call, and returns when it did.
func (s *Stream) Next(ctx context.Context) (time.Time, error) {
	s.mu.Lock()
	first := len(s.sent)
	s.mu.Unlock()
	for {
		s.mu.Lock()
		changed := s.changed
		for _, at := range s.arrived[first:] {
			if !at.IsZero() {
				s.mu.Unlock()
				return at, nil
			}
		}
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}

// Report returns what has happened until now.
func (s *Stream) Report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Report{
		Sent:    append([]time.Time(nil), s.sent...),
		Arrived: append([]time.Time(nil), s.arrived...),
	}
}

// Stop ends the sending, waits for what is on its way until nothing has come for Silence, and
// reports. TCP repeats what is lost, so that a stream of one TCP flow shows delays instead.
func (s *Stream) Stop() Report {
	s.pause()
	<-s.paused
	s.awaitRest()
	s.end()
	s.workers.Wait()
	return s.Report()
}

func (s *Stream) awaitRest() {
	quiet := time.NewTimer(Silence)
	defer quiet.Stop()
	for {
		s.mu.Lock()
		changed, missing := s.changed, false
		for _, at := range s.arrived {
			missing = missing || at.IsZero()
		}
		s.mu.Unlock()
		if !missing {
			return
		}
		select {
		case <-changed:
			quiet.Reset(Silence)
		case <-quiet.C:
			return
		}
	}
}
