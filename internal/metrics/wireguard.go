package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/margay-net/margay/internal/family"
)

// Wireguard are the metrics of the encrypted tunnels. Felix's names, with the family and the
// peer's node as further labels.
type Wireguard struct {
	meta                      *prometheus.GaugeVec
	handshake, sent, received *prometheus.GaugeVec
}

// NewWireguard makes and registers the metrics.
func NewWireguard(r prometheus.Registerer) *Wireguard {
	peer := []string{"iface", "ip_version", "peer", "peer_endpoint"}
	return &Wireguard{
		meta: gauge(r, "wireguard_meta", "A device; the value is 1.", "iface", "ip_version", "public_key"),
		handshake: gauge(r, "wireguard_latest_handshake_seconds",
			"When the last handshake with a peer was, in seconds since 1970; 0 for never.", peer...),
		sent:     gauge(r, "wireguard_bytes_sent", "Bytes sent to a peer.", peer...),
		received: gauge(r, "wireguard_bytes_rcvd", "Bytes received from a peer.", peer...),
	}
}

// WireguardPeer is what there is to say of a peer.
type WireguardPeer struct {
	Endpoint       string
	Handshake      time.Time // zero for none
	Received, Sent int64
}

// Set replaces what is said of one family's device and its peers, by their nodes.
func (w *Wireguard) Set(f family.Family, device, publicKey string, peers map[string]WireguardPeer) {
	w.Clear(f)
	w.meta.WithLabelValues(device, ipVersion(f), publicKey).Set(1)
	for node, p := range peers {
		labels := []string{device, ipVersion(f), node, p.Endpoint}
		at := 0.0
		if !p.Handshake.IsZero() {
			at = float64(p.Handshake.Unix())
		}
		w.handshake.WithLabelValues(labels...).Set(at)
		w.sent.WithLabelValues(labels...).Set(float64(p.Sent))
		w.received.WithLabelValues(labels...).Set(float64(p.Received))
	}
}

// Clear forgets a family: it has no device.
func (w *Wireguard) Clear(f family.Family) {
	for _, v := range []*prometheus.GaugeVec{w.meta, w.handshake, w.sent, w.received} {
		v.DeletePartialMatch(prometheus.Labels{"ip_version": ipVersion(f)})
	}
}
