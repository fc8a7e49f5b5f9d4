package config

import "slices"

// withoutTable names Felix's settings that Margay does not have, by reason. They are
// accepted and reported, so that no setting made for Felix counts as misspelt.
func withoutTable() []Group {
	return slices.Concat(withoutSources(), withoutDataplane(), withoutNetworking(), withoutReports(), []Group{
		{Title: "eBPF", Settings: ebpfSettings()},
	})
}

// withoutSources are settings about what Felix reads, and where it runs.
func withoutSources() []Group {
	return []Group{
		{Title: "Other datastores", Settings: without(
			"objects are read from the Kubernetes API or from files, not from etcd",
			"EtcdAddr", "EtcdCaFile", "EtcdCertFile", "EtcdEndpoints", "EtcdKeyFile", "EtcdScheme")},
		{Title: "Typha", Settings: without(
			"the agent watches the Kubernetes API itself, without Typha between",
			"TyphaAddr", "TyphaCAFile", "TyphaCN", "TyphaCertFile", "TyphaK8sNamespace", "TyphaK8sServiceName",
			"TyphaKeyFile", "TyphaReadTimeout", "TyphaURISAN", "TyphaWriteTimeout")},
		{Title: "Other platforms", Settings: append(without(
			"the agent is for Kubernetes on Linux, not for OpenStack or Windows",
			"MetadataAddr metadataAddr", "MetadataPort metadataPort", "OpenstackRegion openstackRegion",
			"WindowsManageFirewallRules windowsManageFirewallRules"),
			without("the agent does not change the cloud provider's settings",
				"AWSSrcDstCheck awsSrcDstCheck")...)},
	}
}

// withoutDataplane are settings about how Felix writes to the kernel.
func withoutDataplane() []Group {
	return []Group{
		{Title: "Timers", Settings: without(
			"the agent repairs what the kernel reports as changed, and does not re-read by a timer",
			"NftablesRefreshInterval nftablesRefreshInterval",
			"RouteRefreshInterval routeRefreshInterval")},
		{Title: "Other dataplanes", Settings: without(
			"the dataplane is part of the agent",
			"DataplaneDriver dataplaneDriver",
			"UseInternalDataplaneDriver useInternalDataplaneDriver")},
		{Title: "Detection of features", Settings: without(
			"what the kernel can do is found out by asking it, and cannot be overridden",
			"FeatureGates featureGates")},
		{Title: "nftables actions", Settings: without(
			"an accept in the agent's nftables table never overrules another table, so that there is nothing to return for",
			"NftablesFilterAllowAction nftablesFilterAllowAction",
			"NftablesMangleAllowAction nftablesMangleAllowAction")},
		{Title: "Flow offload", Settings: without(
			"there is no flowtable: offloaded flows would pass policy by",
			"NFTablesFlowTableDataIfacePattern nftablesFlowTableDataIfacePattern",
			"NFTablesFlowTableOffload nftablesFlowTableOffload")},
		{Title: "The xtables lock", Settings: without(
			"iptables takes its lock itself; Felix has dropped the setting too",
			"IptablesLockFilePath iptablesLockFilePath", "IptablesLockTimeoutSecs iptablesLockTimeout")},
		{Title: "Netlink", Settings: without(
			"the kernel answers at once; an agent that hangs is restarted through its liveness",
			"NetlinkTimeoutSecs netlinkTimeout")},
		{Title: "XDP", Settings: without(
			"there is no XDP: it serves untracked host policy only, and IPv4 only",
			"GenericXDPEnabled genericXDPEnabled", "XDPEnabled xdpEnabled", "XDPRefreshInterval xdpRefreshInterval")},
	}
}

// withoutNetworking are settings about tunnels, routes and services.
func withoutNetworking() []Group {
	return []Group{
		{Title: "Tunnel addresses", Settings: without(
			"tunnel addresses are read from the node's annotations and never need setting",
			"IpInIpTunnelAddr", "IPv4VXLANTunnelAddr", "IPv6VXLANTunnelAddr", "VXLANTunnelMACAddr", "VXLANTunnelMACAddrV6")},
		{Title: "Routes", Settings: append(without(
			"routes follow IPAM blocks where there are any, and the nodes' podCIDRs elsewhere",
			"RouteSource routeSource"),
			without("superseded by RouteTableRanges, in Felix too",
				"RouteTableRange routeTableRange")...)},
		{Title: "Live migration", Settings: without(
			"live migration of virtual machines is not followed",
			"LiveMigrationRouteConvergenceTime liveMigrationRouteConvergenceTime")},
		{Title: "Layer 2", Settings: without(
			"the agent answers ARP and neighbour discovery for the pods' gateway only, not for pods on the local network",
			"LocalSubnetL2Reachability localSubnetL2Reachability",
			"LocalSubnetL2ReachabilityRefreshInterval localSubnetL2ReachabilityRefreshInterval")},
		{Title: "Services", Settings: without(
			"services are kube-proxy's, and BGP advertisement of their addresses is not watched",
			"FloatingIPs floatingIPs", "KubeNodePortRanges kubeNodePortRanges", "ServiceLoopPrevention serviceLoopPrevention")},
		{Title: "Application layer", Settings: without(
			"policy is enforced in the kernel alone, with no proxy to talk to",
			"IstioAmbientMode istioAmbientMode", "IstioDSCPMark istioDSCPMark",
			"PolicySyncPathPrefix policySyncPathPrefix", "SidecarAccelerationEnabled sidecarAccelerationEnabled")},
	}
}

// withoutReports are settings about what Felix tells of itself.
func withoutReports() []Group {
	return []Group{
		{Title: "Watchdog", Settings: without(
			"superseded by HealthTimeoutOverrides, in Felix too",
			"DataplaneWatchdogTimeout dataplaneWatchdogTimeout")},
		{Title: "Log files", Settings: without(
			"the log goes to standard error alone, whose reader keeps, filters and forwards it",
			"LogDebugFilenameRegex logDebugFilenameRegex", "LogFilePath logFilePath",
			"LogSeverityFile logSeverityFile", "LogSeveritySys logSeveritySys")},
		{Title: "Status in the datastore", Settings: without(
			"status is in the agent's health, metrics and dumps; it is not written to the datastore or to files",
			"EndpointReportingDelaySecs endpointReportingDelay", "EndpointReportingEnabled endpointReportingEnabled",
			"EndpointStatusPathPrefix endpointStatusPathPrefix",
			"ReportingIntervalSecs reportingInterval", "ReportingTTLSecs reportingTTL")},
		{Title: "Flow logs", Settings: without(
			"there are no flow logs",
			"FlowLogsCollectorDebugTrace flowLogsCollectorDebugTrace", "FlowLogsFlushInterval flowLogsFlushInterval",
			"FlowLogsGoldmaneServer flowLogsGoldmaneServer", "FlowLogsLocalReporter flowLogsLocalReporter",
			"FlowLogsPolicyEvaluationMode flowLogsPolicyEvaluationMode")},
		{Title: "Usage reports", Settings: without(
			"the agent reports to nobody",
			"CalicoVersion", "ClusterGUID", "ClusterType",
			"UsageReportingEnabled usageReportingEnabled", "UsageReportingInitialDelaySecs usageReportingInitialDelay",
			"UsageReportingIntervalSecs usageReportingInterval", "Variant")},
		{Title: "Felix's debugging aids", Settings: without(
			"profiles come from DebugPort; faults are tried out in the tests",
			"DebugCPUProfilePath", "DebugDisableLogDropping debugDisableLogDropping",
			"DebugMemoryProfilePath debugMemoryProfilePath", "DebugPanicAfter",
			"DebugSimulateCalcGraphHangAfter debugSimulateCalcGraphHangAfter",
			"DebugSimulateDataRace",
			"DebugSimulateDataplaneApplyDelay debugSimulateDataplaneApplyDelay",
			"DebugSimulateDataplaneHangAfter debugSimulateDataplaneHangAfter")},
	}
}

// ebpfSettings are those of Felix's eBPF dataplane, old ones included.
func ebpfSettings() []Setting {
	return without("there is no eBPF dataplane: policy is in nftables or iptables",
		"BPFAttachType bpfAttachType",
		"BPFCTLBLogFilter bpfCTLBLogFilter",
		"BPFConnectTimeLoadBalancing bpfConnectTimeLoadBalancing",
		"BPFConnectTimeLoadBalancingEnabled bpfConnectTimeLoadBalancingEnabled",
		"BPFConntrackCleanupMode bpfConntrackMode",
		"BPFConntrackLogLevel bpfConntrackLogLevel",
		"BPFConntrackTimeouts bpfConntrackTimeouts",
		"BPFDSROptoutCIDRs bpfDSROptoutCIDRs",
		"BPFDataIfacePattern bpfDataIfacePattern",
		"BPFDisableGROForIfaces bpfDisableGROForIfaces",
		"BPFDisableUnprivileged bpfDisableUnprivileged",
		"BPFEnabled bpfEnabled",
		"BPFEnforceRPF bpfEnforceRPF",
		"BPFExcludeCIDRsFromNAT bpfExcludeCIDRsFromNAT",
		"BPFExportBufferSizeMB bpfExportBufferSizeMB",
		"BPFExtToServiceConnmark bpfExtToServiceConnmark",
		"BPFExternalServiceMode bpfExternalServiceMode",
		"BPFForceTrackPacketsFromIfaces bpfForceTrackPacketsFromIfaces",
		"BPFHostConntrackBypass bpfHostConntrackBypass",
		"BPFHostNetworkedNATWithoutCTLB bpfHostNetworkedNATWithoutCTLB",
		"BPFJITHardening bpfJITHardening",
		"BPFKubeProxyEndpointSlicesEnabled bpfKubeProxyEndpointSlicesEnabled",
		"BPFKubeProxyHealthzPort bpfKubeProxyHealthzPort",
		"BPFKubeProxyIptablesCleanupEnabled bpfKubeProxyIptablesCleanupEnabled",
		"BPFKubeProxyMinSyncPeriod bpfKubeProxyMinSyncPeriod",
		"BPFL3IfacePattern bpfL3IfacePattern",
		"BPFLogFilters bpfLogFilters",
		"BPFLogLevel bpfLogLevel",
		"BPFMaglevMaxEndpointsPerService bpfMaglevMaxEndpointsPerService",
		"BPFMaglevMaxServices bpfMaglevMaxServices",
		"BPFMapSizeConntrack bpfMapSizeConntrack",
		"BPFMapSizeConntrackCleanupQueue bpfMapSizeConntrackCleanupQueue",
		"BPFMapSizeConntrackScaling bpfMapSizeConntrackScaling",
		"BPFMapSizeIPSets bpfMapSizeIPSets",
		"BPFMapSizeIfState bpfMapSizeIfState",
		"BPFMapSizeNATAffinity bpfMapSizeNATAffinity",
		"BPFMapSizeNATBackend bpfMapSizeNATBackend",
		"BPFMapSizeNATFrontend bpfMapSizeNATFrontend",
		"BPFMapSizePerCPUConntrack bpfMapSizePerCpuConntrack",
		"BPFMapSizeRoute bpfMapSizeRoute",
		"BPFPSNATPorts bpfPSNATPorts",
		"BPFPolicyDebugEnabled bpfPolicyDebugEnabled",
		"BPFProfiling bpfProfiling",
		"BPFRedirectToPeer bpfRedirectToPeer",
		"BpfIpv6Support",
		"CgroupV2Path cgroupV2Path",
		"DebugBPFCgroupV2",
		"DebugBPFMapRepinEnabled")
}
