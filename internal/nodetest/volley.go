package nodetest

import (
	"bytes"
	"fmt"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// Shot is a packet that is sent to see whether it arrives.
type Shot struct {
	// From is who sends it, by name: a pod, or Outside.
	From string
	// To is where it is to be seen: a pod, Outside, or the node itself (Name), where it is
	// seen when the kernel delivers it, and not before.
	To string
	// Wire is the packet, or its fragments, as it goes on the wire. It holds the token.
	Wire [][]byte
	// Token is the packet's own mark.
	Token []byte
	// Protocol is what is listened for where the packet is delivered rather than seen on
	// the wire: at the node itself, and wherever Delivered is set.
	Protocol int
	// Delivered asks whether the receiver's kernel takes the packet, with its fragments
	// put together, rather than whether it is seen on the wire.
	Delivered bool
	// Expected says whether it is to arrive. It decides nothing but how long is waited.
	Expected bool
}

// Volley sends packets in order, those of one sender together, and says which arrive.
//
// It waits for no silence: when all are sent, every receiver is sent one more packet past
// all policy, and what has not come before that does not come. A packet that is expected
// is waited for all the same, should it have been overtaken on another processor.
func (n *Node) Volley(shots []Shot) (arrived []bool) {
	n.t.Helper()
	ears := newEars(n, shots)
	bySender := map[string][][]byte{}
	var senders []string
	for i := range shots {
		from := shots[i].From
		if bySender[from] == nil {
			senders = append(senders, from)
		}
		bySender[from] = append(bySender[from], shots[i].Wire...)
	}
	for _, from := range senders {
		n.transmit(from, bySender[from])
	}
	ears.fence()
	arrived = make([]bool, len(shots))
	for i := range shots {
		arrived[i] = ears.hear(&shots[i])
	}
	return arrived
}

// transmit puts packets on the wire towards the node under test.
func (n *Node) transmit(from string, packets [][]byte) {
	n.t.Helper()
	send := func() error { return n.Pod(from).Transmit(packets...) }
	if from == Outside {
		send = func() error { return n.Outside().Transmit(n.Node, packets...) }
	}
	if err := send(); err != nil {
		n.t.Fatal(err)
	}
}

// ear is a place where packets are heard.
type ear struct {
	at        string
	delivered bool
	family    family.Family // of what is delivered
	protocol  int
}

func earOf(s *Shot) ear {
	if s.To != Name && !s.Delivered {
		return ear{at: s.To}
	}
	return ear{at: s.To, delivered: true, family: familyOf(s.Wire[0]), protocol: s.Protocol}
}

func familyOf(packet []byte) family.Family { return family.Family(packet[0] >> 4) }

// ears are the places where the shots of a volley are to be heard.
type ears struct {
	node *Node
	taps map[ear]*netlab.Tap
}

// newEars takes the node's taps, and makes those that are missing. They stay open until the
// test's end: to close one takes the kernel tens of milliseconds.
func newEars(n *Node, shots []Shot) *ears {
	n.t.Helper()
	all := &ears{n, map[ear]*netlab.Tap{}}
	for i := range shots {
		e := earOf(&shots[i])
		all.taps[e] = n.tap(e)
		if e.at != Name {
			all.taps[ear{at: e.at}] = n.tap(ear{at: e.at}) // for the fence
		}
	}
	for _, tap := range all.taps {
		tap.Forget()
	}
	return all
}

// tap finds or makes a tap.
func (n *Node) tap(e ear) *netlab.Tap {
	n.t.Helper()
	if tap := n.taps[e]; tap != nil {
		return tap
	}
	space := n.space(e.at)
	open := func() (*netlab.Tap, error) { return space.TapWire(netlab.Uplink) }
	if e.delivered {
		open = func() (*netlab.Tap, error) { return space.TapDelivered(e.family, e.protocol) }
	}
	tap, err := open()
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { go tap.Close() })
	n.taps[e] = tap
	return tap
}

// space is what has that name: a pod, the node itself, or the second node.
func (n *Node) space(name string) *netlab.Space {
	n.t.Helper()
	switch name {
	case Name:
		return n.Space
	case Outside:
		return n.Outside().Space
	}
	return n.Pod(name).Space
}

// fence waits at each ear on a wire for a packet that is sent now, past all policy.
func (e *ears) fence() {
	e.node.t.Helper()
	for at, tap := range e.taps {
		if at.delivered {
			continue
		}
		token := netlab.Token()
		if err := e.node.deliver(at.at, token); err != nil {
			e.node.t.Fatal(err)
		}
		heard, err := tap.Hears(token, patience)
		if err != nil || !heard {
			e.node.t.Fatalf("%s hears nothing at all: %v", at.at, err)
		}
	}
}

// deliver sends a token out of the node towards a pod or the second node, past all policy.
func (n *Node) deliver(to string, token []byte) error {
	// What the addresses are does not matter: a tap hears everything.
	nobody := netip.MustParseAddr("192.0.2.255")
	packet := netlab.Packet{From: nobody, To: nobody, Payload: netlab.Datagram(1, 1, token)}.Bytes()
	if to == Outside {
		return n.Transmit(n.Outside(), packet)
	}
	return n.Deliver(n.Pod(to), packet)
}

// hear says whether a shot has arrived.
func (e *ears) hear(s *Shot) bool {
	e.node.t.Helper()
	at := earOf(s)
	tap := e.taps[at]
	if tap.Heard(s.Token) > 0 {
		return true
	}
	if !s.Expected {
		return false
	}
	heard, err := tap.Hears(s.Token, patience)
	if err != nil {
		e.node.t.Fatal(fmt.Errorf("tap at %s: %w", at.at, err))
	}
	return heard
}

// Marked is a packet as a Shot: its token must be in its payload.
func Marked(from, to string, token []byte, p netlab.Packet) Shot {
	wire := p.Bytes()
	if !bytes.Contains(wire, token) {
		panic("nodetest: the packet does not hold the token")
	}
	return Shot{From: from, To: to, Wire: [][]byte{wire}, Token: token}
}
