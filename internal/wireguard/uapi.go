package wireguard

import (
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// The text that a device in user space is configured by, and says what it has in: one key=value
// per line (https://www.wireguard.com/xplatform/). It holds the private key, and goes nowhere but
// from here to the device.

// changeText is a change in that text.
func changeText(c Change) string {
	var b strings.Builder
	line := func(key, value string) { b.WriteString(key + "=" + value + "\n") }
	if c.Key != nil {
		line("private_key", hex.EncodeToString(c.Key.secret[:]))
	}
	if c.Port != nil {
		line("listen_port", strconv.Itoa(int(*c.Port)))
	}
	if c.Mark != nil {
		line("fwmark", strconv.FormatUint(uint64(*c.Mark), 10))
	}
	for _, k := range c.Gone {
		line("public_key", hex.EncodeToString(k[:]))
		line("remove", "true")
	}
	for _, k := range slices.SortedFunc(maps.Keys(c.Peers), compareKeys) {
		p := c.Peers[k]
		line("public_key", hex.EncodeToString(k[:]))
		if p.Endpoint.IsValid() {
			line("endpoint", p.Endpoint.String())
		}
		line("persistent_keepalive_interval", strconv.Itoa(int(p.KeepAlive/time.Second)))
		line("replace_allowed_ips", "true")
		for _, to := range p.Allowed {
			line("allowed_ip", to.String())
		}
	}
	for _, k := range c.Greet {
		for _, seconds := range []string{"1", "0"} {
			line("public_key", hex.EncodeToString(k[:]))
			line("update_only", "true")
			line("persistent_keepalive_interval", seconds)
		}
	}
	return b.String()
}

// parseDevice reads what a device has. A value that cannot be read is an error that does not
// repeat it.
func parseDevice(text string) (Device, error) {
	r := reading{device: Device{Peers: map[Key]Peer{}}}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if err := r.take(key, value); err != nil {
			return Device{}, fmt.Errorf("what the device says of its %s cannot be read", key)
		}
	}
	r.finishPeer()
	return r.device, nil
}

// reading is a device as far as it has been read; peer is the one that the lines are about.
type reading struct {
	device         Device
	key            Key
	peer           *Peer
	seconds, nanos int64
}

func (r *reading) take(key, value string) (err error) {
	if r.peer == nil || key == "public_key" {
		return r.takeDevice(key, value)
	}
	number := func() (n int64) { n, err = strconv.ParseInt(value, 10, 64); return n }
	switch key {
	case "endpoint":
		r.peer.Endpoint, err = netip.ParseAddrPort(value)
		r.peer.Endpoint = netip.AddrPortFrom(r.peer.Endpoint.Addr().Unmap(), r.peer.Endpoint.Port())
	case "persistent_keepalive_interval":
		r.peer.KeepAlive = time.Duration(number()) * time.Second
	case "allowed_ip":
		var to netip.Prefix
		to, err = netip.ParsePrefix(value)
		r.peer.Allowed = append(r.peer.Allowed, to)
	case "last_handshake_time_sec":
		r.seconds = number()
	case "last_handshake_time_nsec":
		r.nanos = number()
	case "rx_bytes":
		r.peer.Received = number()
	case "tx_bytes":
		r.peer.Sent = number()
	}
	return err
}

func (r *reading) takeDevice(key, value string) error {
	switch key {
	case "private_key":
		return readKey(value, (*[wgtypes.KeyLen]byte)(&r.device.Key.secret))
	case "listen_port":
		n, err := strconv.ParseUint(value, 10, 16)
		r.device.Port = uint16(n)
		return err
	case "fwmark":
		n, err := strconv.ParseUint(value, 10, 32)
		r.device.Mark = uint32(n)
		return err
	case "public_key":
		r.finishPeer()
		r.peer = &Peer{}
		return readKey(value, (*[wgtypes.KeyLen]byte)(&r.key))
	}
	return nil
}

func (r *reading) finishPeer() {
	if r.peer == nil {
		return
	}
	if r.seconds != 0 || r.nanos != 0 {
		r.peer.Handshake = time.Unix(r.seconds, r.nanos)
	}
	slices.SortFunc(r.peer.Allowed, netip.Prefix.Compare)
	r.device.Peers[r.key] = *r.peer
	r.peer, r.seconds, r.nanos = nil, 0, 0
}

func readKey(text string, into *[wgtypes.KeyLen]byte) error {
	if len(text) != hex.EncodedLen(len(into)) {
		return hex.ErrLength
	}
	_, err := hex.Decode(into[:], []byte(text))
	return err
}
