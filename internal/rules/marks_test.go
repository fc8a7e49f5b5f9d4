package rules

import (
	"testing"

	"github.com/margay-net/margay/internal/model"
)

func TestMarks(t *testing.T) {
	for _, c := range []struct {
		mask uint32
		want Marks
		ok   bool
		with bool
	}{
		{0xffff0000, Marks{Accept: 0x10000, Pass: 0x20000, Wireguard: 0x80000000}, true, false},
		{0xff000000, Marks{Accept: 0x1000000, Pass: 0x2000000, Wireguard: 0x80000000}, true, false},
		{0x0000c000, Marks{Accept: 0x4000, Pass: 0x8000}, true, true},
		{0x80000001, Marks{Accept: 1, Pass: 0x80000000}, true, false},
		{0x7, Marks{Accept: 1, Pass: 2, Wireguard: 4}, true, false},
		{0x1, Marks{}, false, false},
		{0, Marks{}, false, false},
	} {
		m, err := AllocateMarks(c.mask)
		if m != c.want || (err == nil) != c.ok || (m.Clash() != "") != c.with {
			t.Errorf("%#x: %+v, %v, %q", c.mask, m, err, m.Clash())
		}
	}
}

func TestUDPPorts(t *testing.T) {
	for _, c := range []struct {
		nat  NAT
		want model.PortRange
	}{
		{NAT{}, model.PortRange{}},
		{NAT{Ports: model.PortRange{First: 2000, Last: 3000}}, model.PortRange{First: 2000, Last: 3000}},
		{NAT{ReservedUDP: []uint16{4789}}, model.PortRange{First: 4790, Last: 65535}},
		{NAT{ReservedUDP: []uint16{51820, 4789, 51821}}, model.PortRange{First: 4790, Last: 51819}},
		{NAT{Ports: model.PortRange{First: 4000, Last: 5000}, ReservedUDP: []uint16{4789}}, model.PortRange{First: 4000, Last: 4788}},
		{NAT{Ports: model.PortRange{First: 4789, Last: 4789}, ReservedUDP: []uint16{4789}}, model.PortRange{First: 4790, Last: 65535}},
		{NAT{ReservedUDP: []uint16{53}}, model.PortRange{First: 1024, Last: 65535}},
	} {
		if got := c.nat.UDPPorts(); got != c.want {
			t.Errorf("%+v: %+v, want %+v", c.nat, got, c.want)
		}
	}
}
