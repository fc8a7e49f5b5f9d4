package config

import "time"

// Interfaces says which network devices are whose.
type Interfaces struct {
	// Prefixes start the names of the pods' interfaces; there is at least one.
	Prefixes []string
	// Exclude matches interfaces that never are host endpoints.
	Exclude InterfacePatterns
	// Refresh is how often the sysctls of pod interfaces are read again; 0 is never.
	Refresh time.Duration
	// Sysctls is the directory of the kernel's settings: that which has net/ipv4 and net/ipv6.
	Sysctls string
}

func interfaceTable() Group {
	return Group{Title: "Interfaces",
		Settings: []Setting{{
			Name: "InterfacePrefix", Field: "interfacePrefix", Default: "cali",
			Value: as(interfacePrefixes(), func(s *Settings) *[]string { return &s.Interfaces.Prefixes }),
			Help:  "What the names of pod interfaces start with. Traffic of such an interface is dropped unless a pod is known for it; that of prefixes given up too, until the agent is restarted.",
		}, {
			Name: "InterfaceExclude", Field: "interfaceExclude", Default: "kube-ipvs0",
			Value:  as(interfacePatterns(), func(s *Settings) *InterfacePatterns { return &s.Interfaces.Exclude }),
			Help:   "Interfaces that are never host endpoints.",
			NotYet: noHostEndpointsYet,
		}, {
			Name: "InterfaceRefreshInterval", Field: "interfaceRefreshInterval", Default: "90",
			Value: as(duration(time.Second), func(s *Settings) *time.Duration { return &s.Interfaces.Refresh }),
			Help:  "How often the settings of pod interfaces are read again of which the kernel does not tell when somebody changes them (`rp_filter`, `accept_ra` and the like), in seconds; a tenth less at random. 0 is never.",
		}, {
			Name: "SysctlDirectory", Default: "/proc/sys", Restart: true,
			Value:   as(path(), func(s *Settings) *string { return &s.Interfaces.Sysctls }),
			Help:    "Where the kernel's settings of interfaces (`net/ipv4/conf`, `net/ipv6/conf`) are written. In a container, `/proc/sys` is read-only: the DaemonSet mounts the node's elsewhere.",
			Differs: "Margay's own.",
		}},
	}
}
