package main

import (
	"crypto/tls"
	"testing"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/serve"
)

func TestHowMetricsAreSecured(t *testing.T) {
	for auth, want := range map[string]tls.ClientAuthType{
		"":                           tls.NoClientCert,
		"NoClientCert":               tls.NoClientCert,
		"RequireAnyClientCert":       tls.RequireAnyClientCert,
		"VerifyClientCertIfGiven":    tls.VerifyClientCertIfGiven,
		"RequireAndVerifyClientCert": tls.RequireAndVerifyClientCert,
	} {
		r := config.NewTable().Resolve([]config.Layer{config.FromEnvironment([]string{
			"FELIX_PROMETHEUSMETRICSCERTFILE=/tls/tls.crt", "FELIX_PROMETHEUSMETRICSKEYFILE=/tls/tls.key",
			"FELIX_PROMETHEUSMETRICSCAFILE=/tls/ca.crt", "FELIX_PROMETHEUSMETRICSCLIENTAUTH=" + auth,
		})}, nil)
		got := metricsTLS(&r.Settings.Metrics)
		if want := (serve.TLS{CertFile: "/tls/tls.crt", KeyFile: "/tls/tls.key", CAFile: "/tls/ca.crt", ClientAuth: want}); got != want {
			t.Errorf("%q: %+v, want %+v", auth, got, want)
		}
	}
	if r := config.NewTable().Resolve(nil, nil); metricsTLS(&r.Settings.Metrics) != (serve.TLS{}) {
		t.Error("metrics are served over TLS without a certificate")
	}
}
