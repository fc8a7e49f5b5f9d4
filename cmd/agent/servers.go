package main

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/metrics"
	"github.com/margay-net/margay/internal/serve"
)

// servers are what the agent's operators and Kubernetes ask over HTTP.
type servers struct {
	health, metrics, profiles *serve.Server
}

func newServers(d *daemon) *servers {
	server := func(name string, h http.Handler) *serve.Server {
		return serve.New(serve.Options{Handler: h, Log: d.log.WithField("server", name)})
	}
	metrics.NewHealth(d.metrics.Registerer(), func() (ready, conditions []metrics.Statement) {
		d.beat(context.Background())
		return statements(d.board.Detail(time.Now()))
	})
	return &servers{
		health:   server("health", d.healthHandler()),
		metrics:  server("metrics", d.metricsHandler()),
		profiles: server("profiles", serve.Profiles()),
	}
}

// healthHandler serves /liveness and /readiness, of which both depend on who is alive now.
func (d *daemon) healthHandler() http.Handler {
	detail := health.Handler(d.board, time.Now)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.beat(r.Context())
		detail.ServeHTTP(w, r)
	})
}

// metricsHandler serves /metrics, of which some are measured when they are asked for.
func (d *daemon) metricsHandler() http.Handler {
	figures := d.metrics.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), beatMost)
		defer cancel()
		d.dataplane.measure(ctx)
		figures.ServeHTTP(w, r)
	})
}

// configure has the servers listen where the settings say. They log what does not work,
// and try it again by themselves.
func (s *servers) configure(settings *config.Settings) {
	listener := func(l config.Listener) serve.Address {
		return serve.Address{Enabled: l.Enabled, Host: l.Host, Port: int(l.Port)}
	}
	debug, figures := settings.Debug, listener(settings.Metrics.Listener)
	figures.TLS = metricsTLS(&settings.Metrics)
	for server, address := range map[*serve.Server]serve.Address{
		s.health:   listener(settings.Health.Listener),
		s.metrics:  figures,
		s.profiles: {Enabled: debug.Port != 0, Host: debug.Host, Port: int(debug.Port)},
	} {
		_ = server.Configure(address) // logged there
	}
}

// metricsTLS is how metrics are secured.
func metricsTLS(m *config.Metrics) serve.TLS {
	return serve.TLS{
		CertFile: m.CertFile, KeyFile: m.KeyFile, CAFile: m.CAFile,
		ClientAuth: map[config.ClientAuth]tls.ClientAuthType{
			config.NoClientCert:     tls.NoClientCert,
			config.RequireAnyClient: tls.RequireAnyClientCert,
			config.VerifyIfGiven:    tls.VerifyClientCertIfGiven,
			config.RequireAndVerify: tls.RequireAndVerifyClientCert,
		}[m.ClientAuth],
	}
}

func (s *servers) close() {
	for _, server := range []*serve.Server{s.health, s.metrics, s.profiles} {
		server.Close()
	}
}

// statements are what metrics show of the board.
func statements(d health.Detail) (ready, conditions []metrics.Statement) {
	for _, c := range d.Components {
		ready = append(ready, metrics.Statement{Name: c.Name, Family: familyNamed(c.Family), Holds: c.Ready && c.Live})
	}
	for _, c := range d.Conditions {
		conditions = append(conditions, metrics.Statement{Name: c.Name, Family: familyNamed(c.Family), Holds: c.Status == health.True})
	}
	return ready, conditions
}

// familyNamed is the family of that name; 0 for none in particular.
func familyNamed(name string) family.Family {
	for _, f := range family.All() {
		if f.String() == name {
			return f
		}
	}
	return 0
}
