package dataplane_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/rules"
)

// Each file of testdata/policy is a set of policies, with lines at its top that say what
// they come to:
//
//	# allow web > api tcp 8080
//	# deny  v6 partner > db udp 53 from 1000
//	# allow web > db ping
//
// The evaluator must agree with these lines, and the kernel with the evaluator, on these
// packets and on random ones between all pods and the hosts outside. Without v4 or v6 a line
// is for both families. Where a family is off, all of it is denied.
func TestPolicies(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/policy/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no policies: %v", err)
	}
	for _, on := range nodetest.Families() {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, on, nil)
			s := &sampler{node: n, used: map[rules.Packet]bool{}}
			for _, file := range files {
				t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) { s.tryFile(t, file, on) })
			}
		})
	}
}

func (s *sampler) tryFile(t *testing.T, file string, on family.Set) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s.node.Write("policy.yaml", string(text))
	s.node.Settled()
	told := s.expectations(t, string(text))
	o := ask(t, s.node)
	flows := []flow{}
	for _, e := range told {
		trace := o.verdict(e.packet, e.way(s.node))
		if want := e.allowed && on.Has(e.packet.Family()); trace.Allowed != want {
			t.Errorf("%s: want allowed %v, the evaluator says:\n%v", e.line, want, trace)
		}
		flows = append(flows, e.flow)
	}
	seed := fnv.New64a()
	seed.Write([]byte(file))
	random := rand.New(rand.NewPCG(seed.Sum64(), uint64(on)))
	for range 200 {
		flows = append(flows, s.draw(random)...)
	}
	passed := try(t, s.node, flows)
	if passed == 0 || passed == len(flows) {
		t.Logf("%d of %d packets pass: nothing is told apart", passed, len(flows))
	}
}

// expectation is a line at the top of a file.
type expectation struct {
	flow
	line    string
	allowed bool
}

// expectations reads the lines at the top of a file.
func (s *sampler) expectations(t *testing.T, text string) (out []expectation) {
	t.Helper()
	for _, line := range strings.Split(text, "\n") {
		words := strings.Fields(strings.TrimPrefix(line, "#"))
		if !strings.HasPrefix(line, "#") || len(words) == 0 || words[0] != "allow" && words[0] != "deny" {
			continue
		}
		more, err := s.expectation(words[1:])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, f := range more {
			out = append(out, expectation{f, line, words[0] == "allow"})
		}
	}
	if len(out) == 0 {
		t.Fatal("the file does not say what its policies come to")
	}
	return out
}

// expectation reads `[v4|v6] from > to protocol [port [from port]]`.
func (s *sampler) expectation(words []string) (flows []flow, err error) {
	families := family.Both.Families()
	if words[0] == "v4" || words[0] == "v6" {
		families = []family.Family{map[string]family.Family{"v4": family.V4, "v6": family.V6}[words[0]]}
		words = words[1:]
	}
	if len(words) < 4 || words[1] != ">" {
		return nil, fmt.Errorf("want: from > to protocol")
	}
	for _, f := range families {
		p := rules.Packet{HopLimit: 64}
		if err := readProtocol(&p, f, words[3:]); err != nil {
			return nil, err
		}
		flow, ok := s.flow(member(words[0]), member(words[2]), f, p)
		if !ok {
			return nil, fmt.Errorf("%s or %s has no %v address, or the packet has been sent before", words[0], words[2], f)
		}
		flows = append(flows, flow)
	}
	return flows, nil
}

// member is a pod by its own name, or a host.
func member(word string) string {
	for _, name := range []string{web, api, db, till, vault, four, six} {
		if strings.HasSuffix(name, "/"+word) {
			return name
		}
	}
	return word
}

// readProtocol reads `tcp 80`, `tcp 80 from 1000`, `ping`, `icmp 8/0` or `protocol 99`.
func readProtocol(p *rules.Packet, f family.Family, words []string) error {
	args := strings.Join(words[1:], " ")
	named := map[string]model.Protocol{"tcp": model.TCP, "udp": model.UDP, "sctp": model.SCTP}
	var err error
	switch words[0] {
	case "tcp", "udp", "sctp":
		p.Protocol, p.SourcePort = named[words[0]], 0
		_, err = fmt.Sscanf(args+" from 0", "%d from %d", &p.DestinationPort, &p.SourcePort)
	case "ping":
		p.Protocol, p.ICMPType = rules.ICMPOf(f), echoOf(f)
	case "icmp":
		p.Protocol = rules.ICMPOf(f)
		_, err = fmt.Sscanf(args+"/0", "%d/%d", &p.ICMPType, &p.ICMPCode)
	case "protocol":
		_, err = fmt.Sscan(args, (*uint8)(&p.Protocol))
	default:
		err = fmt.Errorf("%s is no protocol", words[0])
	}
	return err
}

// echoOf is the family's type of echo requests.
func echoOf(f family.Family) uint8 {
	if f == family.V4 {
		return 8
	}
	return 128
}

// sampler makes packets that connection tracking has not seen yet: none is of a flow that
// was allowed under an earlier policy, nor the answer to one.
type sampler struct {
	node *nodetest.Node
	used map[rules.Packet]bool
	next uint16
}

// flow completes a packet by its addresses, and by a source port if it has none. Not all
// have addresses of the family, and not every packet is new.
func (s *sampler) flow(from, to string, f family.Family, p rules.Packet) (flow, bool) {
	p.Source, p.Destination = address(s.node, from, f), address(s.node, to, f)
	if !p.Source.IsValid() || !p.Destination.IsValid() {
		return flow{}, false
	}
	s.next = s.next%40000 + 1
	if p.Protocol.HasPorts() && p.SourcePort == 0 {
		p.SourcePort = 20000 + s.next
	}
	reverse := p
	reverse.Source, reverse.Destination = p.Destination, p.Source
	reverse.SourcePort, reverse.DestinationPort = p.DestinationPort, p.SourcePort
	fresh := !s.used[p] && !s.used[reverse]
	if p.Protocol.HasPorts() {
		s.used[p] = true
	}
	return flow{from, to, p, s.next}, fresh
}

// draw draws a packet of each family that the two ends have.
func (s *sampler) draw(random *rand.Rand) (flows []flow) {
	all := []string{web, api, db, till, vault, four, six, partner, stranger}
	from, to := pick(random, all), pick(random, all)
	if place(from) == place(to) {
		return nil
	}
	for _, f := range family.All() {
		p := rules.Packet{HopLimit: 64, Protocol: pick(random, []model.Protocol{
			model.TCP, model.TCP, model.TCP, model.UDP, model.UDP, model.SCTP, rules.ICMPOf(f)})}
		switch {
		case p.Protocol.HasPorts():
			p.DestinationPort = pick(random, []uint16{53, 80, 81, 443, 1000, 5432, 8080, 8443, 65535})
			p.SourcePort = pick(random, []uint16{0, 0, 0, 1000})
		default:
			p.ICMPType = pick(random, [][]uint8{{8, 8, 13}, {128, 128, 139}}[f.Version()/6])
			p.ICMPCode = uint8(random.IntN(2))
		}
		if fl, ok := s.flow(from, to, f, p); ok {
			flows = append(flows, fl)
		}
	}
	return flows
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

// Every file's name says which feature it is about; a typo in an extension must not hide one.
func TestPoliciesAreAllTried(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("testdata/policy")
	if err != nil {
		t.Fatal(err)
	}
	others := slices.DeleteFunc(entries, func(e os.DirEntry) bool { return filepath.Ext(e.Name()) == ".yaml" })
	if len(others) > 0 {
		t.Errorf("not tried: %v", others)
	}
}
