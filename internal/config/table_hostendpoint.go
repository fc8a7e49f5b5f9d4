package config

const noHostEndpointsYet = "host endpoints are not built yet"

// HostEndpoints protects the host's own traffic from policies that cut it off.
type HostEndpoints struct {
	// FailsafeInbound and FailsafeOutbound are open whatever policy says, in both
	// families unless they name a net.
	FailsafeInbound, FailsafeOutbound []HostPort
}

func hostEndpointTable() Group {
	return Group{Title: "Host endpoints", Settings: []Setting{{
		Name: "FailsafeInboundHostPorts", Field: "failsafeInboundHostPorts", NotYet: noHostEndpointsYet,
		Default: "tcp:22,udp:68,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667",
		Value:   as(hostPorts(), func(s *Settings) *[]HostPort { return &s.HostEndpoints.FailsafeInbound }),
		Help:    "Ports of the host that stay reachable whatever policy says, both families unless a net is given.",
	}, {
		Name: "FailsafeOutboundHostPorts", Field: "failsafeOutboundHostPorts", NotYet: noHostEndpointsYet,
		Default: "udp:53,udp:67,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667",
		Value:   as(hostPorts(), func(s *Settings) *[]HostPort { return &s.HostEndpoints.FailsafeOutbound }),
		Help:    "Ports that the host may reach whatever policy says, both families unless a net is given.",
	}}}
}
