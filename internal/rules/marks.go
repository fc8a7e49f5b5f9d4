package rules

import (
	"errors"
	"math/bits"
)

// Marks are the bits of a packet's mark that the agent uses for itself, all of them within
// the mask that the settings give it.
type Marks struct {
	// Accept says that policy has allowed the packet, Pass that it goes on with the next
	// tier. Only backends without verdict maps need them, and only within one chain of the
	// kernel's.
	Accept, Pass uint32
	// Wireguard is the bit that the tunnels' own packets carry, whatever the backend, so that
	// they go to the other node and not into the tunnel once more; zero if the mask has no
	// third bit.
	Wireguard uint32
}

// kubeProxyMarks are the bits that kube-proxy sets: to masquerade, and to drop.
const kubeProxyMarks uint32 = 0x4000 | 0x8000

// AllocateMarks gives each purpose its bit: policy from the lowest of the mask on, as Felix does,
// and the tunnels the highest.
func AllocateMarks(mask uint32) (Marks, error) {
	take := func() uint32 {
		bit := uint32(1) << bits.TrailingZeros32(mask)
		mask &^= bit
		return bit
	}
	const needed = 2
	if bits.OnesCount32(mask) < needed {
		return Marks{}, errors.New("the mark mask has fewer than two bits")
	}
	m := Marks{Accept: take(), Pass: take()}
	if mask != 0 {
		m.Wireguard = 1 << (bits.Len32(mask) - 1)
	}
	return m, nil
}

// All are all bits that policy uses.
func (m Marks) All() uint32 { return m.Accept | m.Pass }

// Clash says with whom bits are shared; empty for nobody that is known of.
func (m Marks) Clash() string {
	if (m.All()|m.Wireguard)&kubeProxyMarks != 0 {
		return "kube-proxy uses the mark bits 0x4000 and 0x8000"
	}
	return ""
}
