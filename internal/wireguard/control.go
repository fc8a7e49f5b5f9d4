package wireguard

import (
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Control is the Tunnel of the network namespace that OpenControl was called in: devices of the
// kernel by generic netlink, those in user space by their socket in /var/run/wireguard.
type Control struct{ client *wgctrl.Client }

// OpenControl opens the way to the kernel's and to user-space devices.
func OpenControl() (*Control, error) {
	c, err := wgctrl.New()
	if err != nil {
		return nil, err
	}
	return &Control{client: c}, nil
}

// Close closes it. Devices live on.
func (c *Control) Close() error { return c.client.Close() }

// Read implements Tunnel.
func (c *Control) Read(name string) (Device, error) {
	read, err := c.client.Device(name)
	if err != nil {
		return Device{}, err
	}
	d := Device{
		Key:   PrivateKey{read.PrivateKey},
		Port:  uint16(read.ListenPort),
		Mark:  uint32(read.FirewallMark),
		Peers: make(map[Key]Peer, len(read.Peers)),
	}
	for i := range read.Peers {
		d.Peers[Key(read.Peers[i].PublicKey)] = peerOf(&read.Peers[i])
	}
	return d, nil
}

func peerOf(p *wgtypes.Peer) Peer {
	out := Peer{
		KeepAlive: p.PersistentKeepaliveInterval, Handshake: p.LastHandshakeTime,
		Received: p.ReceiveBytes, Sent: p.TransmitBytes,
	}
	if p.Endpoint != nil {
		a := p.Endpoint.AddrPort()
		out.Endpoint = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	for _, n := range p.AllowedIPs {
		if a, ok := netip.AddrFromSlice(n.IP); ok {
			ones, _ := n.Mask.Size()
			out.Allowed = append(out.Allowed, netip.PrefixFrom(a.Unmap(), ones))
		}
	}
	slices.SortFunc(out.Allowed, netip.Prefix.Compare)
	return out
}

// Change implements Tunnel.
func (c *Control) Change(name string, change Change) error {
	var config wgtypes.Config
	if change.Key != nil {
		config.PrivateKey = &change.Key.secret
	}
	if change.Port != nil {
		port := int(*change.Port)
		config.ListenPort = &port
	}
	if change.Mark != nil {
		mark := int(*change.Mark)
		config.FirewallMark = &mark
	}
	// Removals first: a destination that moves from one peer to another is the other's in the end,
	// whatever the order, since the last one told takes it; a removal after that would not hurt, but
	// a peer that is gone must not take part in it.
	for _, k := range change.Gone {
		config.Peers = append(config.Peers, wgtypes.PeerConfig{PublicKey: wgtypes.Key(k), Remove: true})
	}
	for _, k := range slices.SortedFunc(maps.Keys(change.Peers), compareKeys) {
		config.Peers = append(config.Peers, peerConfig(k, change.Peers[k]))
	}
	for _, k := range change.Greet {
		for _, every := range []time.Duration{time.Second, 0} {
			config.Peers = append(config.Peers, wgtypes.PeerConfig{PublicKey: wgtypes.Key(k), UpdateOnly: true, PersistentKeepaliveInterval: &every})
		}
	}
	return c.client.ConfigureDevice(name, config)
}

// peerConfig replaces the peer's allowed IPs and leaves its session alone.
func peerConfig(k Key, p Peer) wgtypes.PeerConfig {
	out := wgtypes.PeerConfig{
		PublicKey: wgtypes.Key(k), PersistentKeepaliveInterval: &p.KeepAlive,
		ReplaceAllowedIPs: true, AllowedIPs: make([]net.IPNet, 0, len(p.Allowed)),
	}
	if p.Endpoint.IsValid() {
		out.Endpoint = net.UDPAddrFromAddrPort(p.Endpoint)
	}
	for _, to := range p.Allowed {
		out.AllowedIPs = append(out.AllowedIPs, net.IPNet{
			IP: to.Addr().AsSlice(), Mask: net.CIDRMask(to.Bits(), to.Addr().BitLen()),
		})
	}
	return out
}

func compareKeys(a, b Key) int { return slices.Compare(a[:], b[:]) }
