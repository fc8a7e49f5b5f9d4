package config

// Action is what becomes of a packet.
type Action string

// The actions that settings can ask for.
const (
	Drop   Action = "DROP"
	Accept Action = "ACCEPT"
	Return Action = "RETURN" // go on with the rules of others
	Reject Action = "REJECT" // drop, and tell the sender
)

// Spoofing says which source addresses a pod may claim beside its own.
type Spoofing string

// The values of Spoofing.
const (
	SpoofingDisabled Spoofing = "Disabled"
	SpoofingAny      Spoofing = "Any" // what the pod's annotation lists
)

// Policy says how policy is enforced, in both families alike.
type Policy struct {
	// EndpointToHost is what becomes of a pod's packet to its own node that its egress
	// policy allows: Drop, Accept or Return.
	EndpointToHost Action
	SourceSpoofing Spoofing
	// AcceptInvalid lets packets through to policy that conntrack calls INVALID.
	AcceptInvalid bool
	// AllowVXLAN and AllowIPIP let pods send packets that are themselves tunnelled.
	AllowVXLAN, AllowIPIP bool
	// Counters makes every rule count its packets and bytes.
	Counters bool
	// LogPrefix starts each kernel log line of a rule with action Log.
	LogPrefix string
	// LogLimit bounds those lines; LogBurst may come at once.
	LogLimit Rate
	LogBurst int
}

func policyTable() Group {
	flag := func(at func(*Settings) *bool) Value { return as(boolean(), at) }
	return Group{Title: "Policy", Intro: "How policy is enforced, in both families alike.", Settings: []Setting{{
		Name: "DefaultEndpointToHostAction", Field: "defaultEndpointToHostAction", Default: "DROP",
		Value: as(oneOf(Drop, Accept, Return), func(s *Settings) *Action { return &s.Policy.EndpointToHost }),
		Help:  "What becomes of traffic from a pod to its own node, once the pod's egress policy allows it. `RETURN` leaves it to the host's other rules.",
	}, {
		Name: "WorkloadSourceSpoofing", Field: "workloadSourceSpoofing", Default: "Disabled",
		Value: as(oneOf(SpoofingDisabled, SpoofingAny), func(s *Settings) *Spoofing { return &s.Policy.SourceSpoofing }),
		Help:  "Whether a pod may send from the prefixes in its annotation `cni.projectcalico.org/allowedSourcePrefixes`.",
	}, {
		Name: "DisableConntrackInvalidCheck", Field: "disableConntrackInvalidCheck", Default: "false",
		Value: flag(func(s *Settings) *bool { return &s.Policy.AcceptInvalid }),
		Help:  "Do not drop packets that connection tracking calls invalid.",
	}, {
		Name: "AllowVXLANPacketsFromWorkloads", Field: "allowVXLANPacketsFromWorkloads", Default: "false",
		Value: flag(func(s *Settings) *bool { return &s.Policy.AllowVXLAN }),
		Help:  "Let pods send VXLAN themselves (UDP to `VXLANPort`), if policy allows it.",
	}, {
		Name: "AllowIPIPPacketsFromWorkloads", Field: "allowIPIPPacketsFromWorkloads", Default: "false",
		Value: flag(func(s *Settings) *bool { return &s.Policy.AllowIPIP }),
		Help:  "Let pods send IP in IP themselves (protocol 4), if policy allows it.",
	}, {
		Name: "PolicyCounters", Field: "policyCounters", Default: "false",
		Value:   flag(func(s *Settings) *bool { return &s.Policy.Counters }),
		Help:    "Every rule counts its packets and bytes.",
		Differs: "Margay's own; Felix's rules always count.",
	}, {
		Name: "LogPrefix", Field: "logPrefix", Default: "calico-packet",
		Value: as(line(100), func(s *Settings) *string { return &s.Policy.LogPrefix }),
		Help:  "Starts the kernel's log line of a rule with action Log.",
	}, {
		Name: "LogActionRateLimit", Field: "logActionRateLimit",
		Value: as(rate(), func(s *Settings) *Rate { return &s.Policy.LogLimit }),
		Help:  "How many such lines a rule may write. Unset, there is no limit.",
	}, {
		Name: "LogActionRateLimitBurst", Field: "logActionRateLimitBurst", Default: "5",
		Value: as(integer(0, 9999), func(s *Settings) *int { return &s.Policy.LogBurst }),
		Help:  "How many lines may come at once before the limit holds.",
	}}}
}
