package config

import "time"

// NFTablesMode says whether policy goes into nftables or iptables.
type NFTablesMode string

// The values of NFTablesMode.
const (
	NFTablesAuto     NFTablesMode = "Auto"
	NFTablesEnabled  NFTablesMode = "Enabled"
	NFTablesDisabled NFTablesMode = "Disabled"
)

// NFTables is the nftables backend.
type NFTables struct {
	Mode NFTablesMode
	// Deny is Drop or Reject.
	Deny Action
	// MarkMask is the packet mark bits that the agent may use.
	MarkMask uint32
}

func nftablesTable() Group {
	return Group{Title: "nftables", Settings: []Setting{{
		Name: "NFTablesMode", Field: "nftablesMode", Default: "Auto",
		Value:   as(oneOf(NFTablesAuto, NFTablesEnabled, NFTablesDisabled), func(s *Settings) *NFTablesMode { return &s.NFTables.Mode }),
		Help:    "Policy in nftables (Enabled), in iptables (Disabled), or in nftables wherever the kernel has it (Auto). See docs/backends.md.",
		Differs: "Felix's Auto goes where kube-proxy has its rules.",
	}, {
		Name: "NftablesFilterDenyAction", Field: "nftablesFilterDenyAction", Default: "DROP",
		Value:  as(oneOf(Drop, Reject), func(s *Settings) *Action { return &s.NFTables.Deny }),
		Help:   "How denied packets are refused, both families.",
		NotYet: "denied packets are dropped; rejecting them is not built yet",
	}, {
		Name: "NftablesMarkMask", Field: "nftablesMarkMask", Default: "0xffff0000",
		Value: as(markMask(), func(s *Settings) *uint32 { return &s.NFTables.MarkMask }),
		Help:  "Packet mark bits that the agent may use, both families. Policy in nftables needs none; WireGuard's own packets carry the highest.",
	}}}
}

// IptablesBackend names the flavour of the iptables programs.
type IptablesBackend string

// The values of IptablesBackend.
const (
	BackendAuto   IptablesBackend = "Auto"
	BackendLegacy IptablesBackend = "Legacy"
	BackendNFT    IptablesBackend = "NFT"
)

// InsertMode says where the agent's rule stands in the kernel's own chains.
type InsertMode string

// The values of InsertMode.
const (
	Insert InsertMode = "insert" // first
	Append InsertMode = "append" // last
)

// Iptables is the iptables backend.
type Iptables struct {
	Backend         IptablesBackend
	Insert          InsertMode
	Allow, Mangle   Action // Accept or Return
	Deny            Action // Drop or Reject
	MarkMask        uint32
	Refresh         time.Duration
	PostWriteCheck  time.Duration
	LockProbe       time.Duration
	IPSetsRefresh   time.Duration
	MaxIPSetMembers int
}

func iptablesTable() Group {
	action := func(one, other Action, at func(*Settings) *Action) Value { return as(oneOf(one, other), at) }
	seconds := func(at func(*Settings) *time.Duration) Value { return as(duration(time.Second), at) }
	rows := []Setting{{
		Name: "IptablesBackend", Field: "iptablesBackend", Default: "Auto",
		Value: as(oneOf(BackendAuto, BackendLegacy, BackendNFT), func(s *Settings) *IptablesBackend { return &s.Iptables.Backend }),
		Help:  "Which of the iptables programs to use; Auto takes the variant in which Kubernetes' own chains are.",
	}, {
		Name: "ChainInsertMode", Field: "chainInsertMode", Default: "insert",
		Value: as(oneOf(Insert, Append), func(s *Settings) *InsertMode { return &s.Iptables.Insert }),
		Help:  "Whether the agent's rule is the first or the last of the kernel's chains. In nat's POSTROUTING it is the last.",
	}, {
		Name: "IptablesFilterAllowAction", Field: "iptablesFilterAllowAction", Default: "ACCEPT",
		Value: action(Accept, Return, func(s *Settings) *Action { return &s.Iptables.Allow }),
		Help:  "What becomes of a packet that policy allows, in the filter table.",
	}, {
		Name: "IptablesMangleAllowAction", Field: "iptablesMangleAllowAction", Default: "ACCEPT",
		Value:  action(Accept, Return, func(s *Settings) *Action { return &s.Iptables.Mangle }),
		Help:   "The same in the mangle table.",
		NotYet: "only policy for host endpoints needs that table, which is not built yet",
	}, {
		Name: "IptablesFilterDenyAction", Field: "iptablesFilterDenyAction", Default: "DROP",
		Value: action(Drop, Reject, func(s *Settings) *Action { return &s.Iptables.Deny }),
		Help:  "How denied packets are refused.",
	}, {
		Name: "IptablesMarkMask", Field: "iptablesMarkMask", Default: "0xffff0000",
		Value: as(markMask(), func(s *Settings) *uint32 { return &s.Iptables.MarkMask }),
		Help:  "Packet mark bits that the agent may use: the two lowest for policy, the highest for WireGuard's own packets.",
	}, {
		Name: "IptablesRefreshInterval", Field: "iptablesRefreshInterval", Default: "180",
		Value: seconds(func(s *Settings) *time.Duration { return &s.Iptables.Refresh }),
		Help:  "Time between reads of the rules to repair them; 0 is never.",
	}, {
		Name: "IptablesPostWriteCheckIntervalSecs", Field: "iptablesPostWriteCheckInterval", Default: "5",
		Value: seconds(func(s *Settings) *time.Duration { return &s.Iptables.PostWriteCheck }),
		Help:  "Time after a write when the rules are read back.",
	}, {
		Name: "IptablesLockProbeIntervalMillis", Field: "iptablesLockProbeInterval", Default: "50",
		Value:   as(duration(time.Millisecond), func(s *Settings) *time.Duration { return &s.Iptables.LockProbe }),
		Help:    "Time between attempts to get the xtables lock.",
		Differs: "No effect: iptables 1.8.8 and later choose it themselves.",
	}, {
		Name: "IpsetsRefreshInterval", Field: "ipsetsRefreshInterval", Default: "90",
		Value: seconds(func(s *Settings) *time.Duration { return &s.Iptables.IPSetsRefresh }),
		Help:  "Time between reads of the IP sets to repair them; 0 is never.",
	}, {
		Name: "MaxIpsetSize", Field: "maxIpsetSize", Default: "1048576",
		Value: as(integer(1, 1<<31-1), func(s *Settings) *int { return &s.Iptables.MaxIPSetMembers }),
		Help:  "Most members of an IP set.",
	}}
	return Group{Title: "iptables", Intro: "For both families alike; where policy is in iptables.", Settings: rows}
}
