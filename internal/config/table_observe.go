package config

import "time"

// Listener is a server that the agent runs for its operators.
type Listener struct {
	Enabled bool
	// Host is a name or an address of either family, never empty. "localhost" stands
	// for the loopback addresses of both families.
	Host string
	// Port is a TCP port; 0 has the kernel pick one.
	Port uint16
}

// Health is the server of /liveness and /readiness.
type Health struct {
	Listener
	// Timeouts override, by component, how long one may be silent and count as live.
	Timeouts map[string]time.Duration
}

func healthTable() Group {
	return Group{Title: "Health", Settings: []Setting{{
		Name: "HealthEnabled", Field: "healthEnabled", Default: "true",
		Value:   as(boolean(), func(s *Settings) *bool { return &s.Health.Enabled }),
		Help:    "Serve `/liveness` and `/readiness`.",
		Differs: "Felix's default is false.",
	}, {
		Name: "HealthHost", Field: "healthHost", Default: "localhost",
		Value: as(listenHost(), func(s *Settings) *string { return &s.Health.Host }),
		Help:  "Where to listen. `localhost` is both 127.0.0.1 and ::1; `::` is everywhere, both families.",
	}, {
		Name: "HealthPort", Field: "healthPort", Default: "9099",
		Value: as(port(0), func(s *Settings) *uint16 { return &s.Health.Port }),
		Help:  "TCP port; 0 takes any free one.",
	}, {
		Name: "HealthTimeoutOverrides", Field: "healthTimeoutOverrides",
		Value: as(namedDurations(), func(s *Settings) *map[string]time.Duration { return &s.Health.Timeouts }),
		Help:  "How long a component (`calculation`, `dataplane`) may be silent and still count as live.",
	}}}
}

// ClientAuth says what certificate a metrics client must show.
type ClientAuth string

// The values of ClientAuth.
const (
	NoClientCert     ClientAuth = "NoClientCert"
	RequireAnyClient ClientAuth = "RequireAnyClientCert"
	VerifyIfGiven    ClientAuth = "VerifyClientCertIfGiven"
	RequireAndVerify ClientAuth = "RequireAndVerifyClientCert"
)

// Metrics is the server of Prometheus metrics.
type Metrics struct {
	Listener
	// Go, Process and Wireguard include those families of metrics.
	Go, Process, Wireguard bool
	// CertFile, KeyFile and CAFile are for TLS.
	CertFile, KeyFile, CAFile string
	ClientAuth                ClientAuth
}

func metricsTable() Group {
	flag := func(at func(*Settings) *bool) Value { return as(boolean(), at) }
	file := func(at func(*Settings) *string) Value { return as(path(), at) }
	return Group{Title: "Metrics", Settings: []Setting{{
		Name: "PrometheusMetricsEnabled", Field: "prometheusMetricsEnabled", Default: "true",
		Value:   flag(func(s *Settings) *bool { return &s.Metrics.Enabled }),
		Help:    "Serve `/metrics`.",
		Differs: "Felix's default is false.",
	}, {
		Name: "PrometheusMetricsHost", Field: "prometheusMetricsHost", Default: "localhost",
		Value:   as(listenHost(), func(s *Settings) *string { return &s.Metrics.Host }),
		Help:    "Where to listen, as for `HealthHost`.",
		Differs: "Felix listens everywhere by default.",
	}, {
		Name: "PrometheusMetricsPort", Field: "prometheusMetricsPort", Default: "9091",
		Value: as(port(0), func(s *Settings) *uint16 { return &s.Metrics.Port }),
		Help:  "TCP port; 0 takes any free one.",
	}, {
		Name: "PrometheusGoMetricsEnabled", Field: "prometheusGoMetricsEnabled", Default: "true",
		Value: flag(func(s *Settings) *bool { return &s.Metrics.Go }),
		Help:  "Include the metrics of the Go runtime.",
	}, {
		Name: "PrometheusProcessMetricsEnabled", Field: "prometheusProcessMetricsEnabled", Default: "true",
		Value: flag(func(s *Settings) *bool { return &s.Metrics.Process }),
		Help:  "Include the metrics of the process.",
	}, {
		Name: "PrometheusWireGuardMetricsEnabled", Field: "prometheusWireGuardMetricsEnabled", Default: "true",
		Value: flag(func(s *Settings) *bool { return &s.Metrics.Wireguard }),
		Help:  "Include the metrics of WireGuard peers.",
	}, {
		Name: "PrometheusMetricsCertFile", Field: "prometheusMetricsCertFile",
		Value: file(func(s *Settings) *string { return &s.Metrics.CertFile }), Help: "Certificate of the server, PEM. With it, metrics are served over TLS; it is read again when it has changed.",
	}, {
		Name: "PrometheusMetricsKeyFile", Field: "prometheusMetricsKeyFile",
		Value: file(func(s *Settings) *string { return &s.Metrics.KeyFile }), Help: "Key of the server, PEM.",
	}, {
		Name: "PrometheusMetricsCAFile", Field: "prometheusMetricsCAFile",
		Value: file(func(s *Settings) *string { return &s.Metrics.CAFile }), Help: "Authorities that sign clients' certificates, PEM. Where these are verified and there are none, no client is let in.",
	}, {
		Name: "PrometheusMetricsClientAuth", Field: "prometheusMetricsClientAuth", Default: "NoClientCert",
		Value: as(oneOf(NoClientCert, RequireAnyClient, VerifyIfGiven, RequireAndVerify), func(s *Settings) *ClientAuth { return &s.Metrics.ClientAuth }),
		Help:  "What certificate a client must show.",
	}}}
}

// Debug is the server of Go's profiler.
type Debug struct {
	Host string
	// Port is a TCP port; 0 is no server.
	Port uint16
}

func debugTable() Group {
	return Group{Title: "Debugging", Settings: []Setting{{
		Name: "DebugHost", Field: "debugHost", Default: "localhost",
		Value: as(listenHost(), func(s *Settings) *string { return &s.Debug.Host }),
		Help:  "Where the profiler listens, as for `HealthHost`. It has no access control.",
	}, {
		Name: "DebugPort", Field: "debugPort", Default: "0",
		Value: as(port(0), func(s *Settings) *uint16 { return &s.Debug.Port }),
		Help:  "TCP port of the profiler (`/debug/pprof`); 0 is none.",
	}}}
}
