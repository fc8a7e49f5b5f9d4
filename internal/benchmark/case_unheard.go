package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// measureUnheard measures a cold start as Felix's was: nobody listens to nftables, whose
// notifications are dear, and the ruleset's generation number is looked at instead.
func measureUnheard(b *bench, p preset) error {
	var wall sample
	for range b.repeat(p.colds) {
		d, err := unheard(p)
		if err != nil {
			return err
		}
		wall = append(wall, milliseconds(d))
	}
	b.report.add(result{p.name, "cold: while nobody else listens", "ms", wall, nil, "generation polled each ms, as Felix was measured"})
	return nil
}

func unheard(p preset) (time.Duration, error) {
	s, err := newSession(p, 0, false)
	if err != nil {
		return 0, err
	}
	defer s.close()
	f, err := openSocket(s.world.node.Space, unix.NETLINK_NETFILTER, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	changed := make(chan instant, 1)
	stop := make(chan struct{})
	go func() { changed <- lastGeneration(f, stop) }()
	before, err := s.agent.ask(request{Op: opSync})
	if err != nil {
		return 0, err
	}
	routed := 2 * p.size.Local
	seen, err := s.heard.await(p.quiet, func(o *observation) bool { return len(o.routes) >= routed })
	close(stop)
	if err != nil {
		return 0, fmt.Errorf("%s, cold and unheard: %w", p.name, err)
	}
	return max(seen.last, <-changed).since(before.At), nil
}

// lastGeneration polls the ruleset's generation until it is stopped, and says when it was
// first seen to have its last value.
func lastGeneration(f *os.File, stop <-chan struct{}) instant {
	var id uint32
	var changed instant
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return changed
		case <-tick.C:
		}
		if n, ok := generation(f); ok && n != id {
			id, changed = n, now()
		}
	}
}

func generation(f *os.File) (uint32, bool) {
	ask := appendMessage(nil, message{
		kind:    unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETGEN,
		payload: []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, 0},
	})
	if err := unix.Sendto(int(f.Fd()), ask, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, false
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(int(f.Fd()), answer, 0)
	if err != nil {
		return 0, false
	}
	for m := range messages(answer[:n]) {
		if v := attribute(m.payload[min(sizeofNfgenmsg, len(m.payload)):], nftaGenID); len(v) == 4 {
			return binary.BigEndian.Uint32(v), true
		}
	}
	return 0, false
}

// nftaGenID is NFTA_GEN_ID (nf_tables.h).
const nftaGenID = 1
