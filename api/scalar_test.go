package api

import (
	"encoding/json"
	"net/netip"
	"testing"
)

func TestParseNet(t *testing.T) {
	for _, c := range []struct{ in, want, err string }{
		{"10.0.0.0/8", "10.0.0.0/8", ""},
		{"fd00::/8", "fd00::/8", ""},
		{"::/0", "::/0", ""},
		{"10.0.0.1", "10.0.0.1/32", ""},
		{"2001:db8::1", "2001:db8::1/128", ""},
		{"10.0.0.1/8", "", "host bits set, did you mean 10.0.0.0/8"},
		{"fd00::1/64", "", "host bits set, did you mean fd00::/64"},
		{"10.0.0.0/33", "", `not a CIDR: prefix length "33" is not a number from 0 to 32`},
		{"fd00::/129", "", `not a CIDR: prefix length "129" is not a number from 0 to 128`},
		{"10.0.0.0/", "", `not a CIDR: prefix length "" is not a number from 0 to 32`},
		{"10.0.0/8", "", "not a CIDR: not an IP address before the /"},
		{"010.0.0.0/8", "", "not a CIDR: not an IP address before the /"},
		{"", "", "not an IP address"},
		{"web", "", "not an IP address"},
		{"fe80::1%eth0", "", "an address with a zone cannot be used here"},
		{"fe80::%eth0/10", "", "not a CIDR: an address with a zone cannot be used here before the /"},
		{"::ffff:10.0.0.1", "", "IPv4-mapped IPv6 is on no wire, write the IPv4 address"},
		{"::ffff:10.0.0.0/104", "", "IPv4-mapped IPv6 is on no wire, write the IPv4 net"},
	} {
		got, err := ParseNet(c.in)
		switch {
		case c.err == "" && (err != nil || got.String() != c.want):
			t.Errorf("%q: got %v, %v; want %s", c.in, got, err, c.want)
		case c.err != "" && (err == nil || err.Error() != c.err):
			t.Errorf("%q: got %v, %v; want error %s", c.in, got, err, c.err)
		}
	}
}

func FuzzParseNet(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "fd00::/8", "::ffff:1.2.3.4/128", "1.2.3.4", "fe80::1%a/64", "/", "1/1/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseNet(s)
		if err != nil {
			return
		}
		if p != p.Masked() || p.Addr().Is4In6() || p.Addr().Zone() != "" || !p.IsValid() {
			t.Errorf("%q: accepted as %v", s, p)
		}
		if again, err := ParseNet(p.String()); err != nil || again != p {
			t.Errorf("%q: %v reads as %v, %v", s, p, again, err)
		}
	})
}

func TestPort(t *testing.T) {
	for _, c := range []struct {
		in   string // JSON
		want PortRange
		err  string
	}{
		{`80`, PortRange{80, 80, ""}, ""},
		{`"80"`, PortRange{80, 80, ""}, ""},
		{`65535`, PortRange{65535, 65535, ""}, ""},
		{`"8080:8090"`, PortRange{8080, 8090, ""}, ""},
		{`"1:65535"`, PortRange{1, 65535, ""}, ""},
		{`"http"`, PortRange{Name: "http"}, ""},
		{`"my_port.1"`, PortRange{Name: "my_port.1"}, ""},
		{`0`, PortRange{}, "port must be from 1 to 65535"},
		{`65536`, PortRange{}, "port must be from 1 to 65535"},
		{`-1`, PortRange{}, "port must be from 1 to 65535"},
		{`99999999999999999999`, PortRange{}, "port must be from 1 to 65535"},
		{`1.5`, PortRange{}, "not a port: neither a number, nor a range first:last, nor a port's name"},
		{`"90:80"`, PortRange{}, "port range ends before it begins, did you mean 80:90"},
		{`"0:80"`, PortRange{}, "not a port range, both ends must be numbers from 1 to 65535"},
		{`"80:"`, PortRange{}, "not a port range, both ends must be numbers from 1 to 65535"},
		{`"80:http"`, PortRange{}, "not a port range, both ends must be numbers from 1 to 65535"},
		{`"80-90"`, PortRange{}, "not a port, write the range as 80:90"},
		{`""`, PortRange{}, "not a port: neither a number, nor a range first:last, nor a port's name"},
		{`"ht tp"`, PortRange{}, "not a port: neither a number, nor a range first:last, nor a port's name"},
	} {
		var p Port
		if err := json.Unmarshal([]byte(c.in), &p); err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		got, err := p.Parse()
		if c.err == "" && (err != nil || got != c.want) || c.err != "" && (err == nil || err.Error() != c.err) {
			t.Errorf("%s: got %v, %v; want %v, %s", c.in, got, err, c.want, c.err)
		}
	}
	var p Port
	if json.Unmarshal([]byte(`true`), &p) == nil || json.Unmarshal([]byte(`{}`), &p) == nil {
		t.Error("a port can be a truth value or a mapping")
	}
}

func FuzzPort(f *testing.F) {
	for _, s := range []string{"80", "80:90", "http", "-", ":", "80-90", "65536"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := Port(s).Parse()
		if err != nil {
			return
		}
		if named := r.Name != ""; named == (r.First > 0) || !named && (r.First > r.Last) {
			t.Errorf("%q: accepted as %+v", s, r)
		}
	})
}

func TestProtocol(t *testing.T) {
	for in, want := range map[string]uint8{
		`"TCP"`: 6, `"tcp"`: 6, `"UDP"`: 17, `"ICMP"`: 1, `"ICMPv6"`: 58, `"SCTP"`: 132, `"UDPLite"`: 136, `41`: 41, `255`: 255, `"6"`: 6,
	} {
		var p Protocol
		if err := json.Unmarshal([]byte(in), &p); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if got, err := p.Number(); err != nil || got != want {
			t.Errorf("%s: got %d, %v; want %d", in, got, err, want)
		}
		if ports := p.HasPorts(); ports != (want == 6 || want == 17 || want == 132) {
			t.Errorf("%s: has ports: %v", in, ports)
		}
	}
	for _, in := range []string{`0`, `256`, `-1`, `"HTTP"`, `""`, `"IPv6"`, `6.5`} {
		var p Protocol
		if err := json.Unmarshal([]byte(in), &p); err != nil {
			t.Errorf("%s must be kept as it is: %v", in, err)
		}
		if n, err := p.Number(); err == nil {
			t.Errorf("%s is protocol %d", in, n)
		}
	}
	if Protocol("IPv6").IPVersion() != 6 || Protocol("ipv4").IPVersion() != 4 || Protocol("TCP").IPVersion() != 0 {
		t.Error("IPVersion is wrong")
	}
}

func TestASNumber(t *testing.T) {
	for in, want := range map[string]uint32{`64512`: 64512, `"64512"`: 64512, `"1.10"`: 65546, `4294967295`: 4294967295} {
		var n ASNumber
		if err := json.Unmarshal([]byte(in), &n); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if got, err := n.Number(); err != nil || got != want {
			t.Errorf("%s: got %d, %v; want %d", in, got, err, want)
		}
	}
	for _, n := range []ASNumber{"", "4294967296", "-1", "1.65536", "a", "1.2.3"} {
		if got, err := n.Number(); err == nil {
			t.Errorf("%q is %d", n, got)
		}
	}
}

func TestFlag(t *testing.T) {
	for in, want := range map[string]Flag{`true`: true, `false`: false, `"true"`: true, `"false"`: false, `""`: false} {
		var f Flag
		if err := json.Unmarshal([]byte(in), &f); err != nil || f != want {
			t.Errorf("%s: %v, %v", in, f, err)
		}
	}
	var f Flag
	if json.Unmarshal([]byte(`"maybe"`), &f) == nil || json.Unmarshal([]byte(`1`), &f) == nil {
		t.Error("anything is a flag")
	}
}

func TestAllocated(t *testing.T) {
	for _, cidr := range []string{"10.0.0.0/30", "fd00::/126", "255.255.255.252/30"} {
		b, _ := load(t, "IPAMBlock", "b", `
affinity: host:n1
cidr: `+cidr+`
allocations: [0, null, 1, 0, 0]
unallocated: [1]
attributes:
  - handle_id: h
    secondary: {pod: p}
  - {}`).(*IPAMBlock)
		first := netip.MustParsePrefix(cidr).Addr()
		want := []netip.Addr{first, first.Next().Next(), first.Next().Next().Next()}
		i := 0
		for a := range b.Allocated() {
			if i >= len(want) || a.Addr != want[i] {
				t.Fatalf("%s: address %d is %v", cidr, i, a.Addr)
			}
			i++
		}
		if i != len(want) {
			t.Errorf("%s: %d addresses", cidr, i)
		}
		if host, ok := b.Host(); !ok || host != "n1" {
			t.Errorf("host %q", host)
		}
	}
}
