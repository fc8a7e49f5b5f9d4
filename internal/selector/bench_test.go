package selector

import "testing"

// The texts are of the kinds that a cluster's policies hold, from the usual to the elaborate.
func benchmarks() []struct{ name, text string } {
	return []struct{ name, text string }{
		{"all", `all()`},
		{"equals", `app == 'web'`},
		{"kubernetes", `projectcalico.org/orchestrator == 'k8s' && app == 'web' && projectcalico.org/namespace == 'ns-17'`},
		{"in", `app in {'a', 'b', 'c', 'd', 'e', 'web', 'x', 'y'}`},
		{"elaborate", `(app == 'web' || role in {'db', 'cache'}) && !(tier starts with 'test' || has(quarantined)) && pcns.env != 'dev'`},
	}
}

func BenchmarkParse(b *testing.B) {
	for _, c := range benchmarks() {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(c.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMatches(b *testing.B) {
	labels := Map{
		"app": "web", "tier": "front", "role": "none", "pcns.env": "prod",
		"projectcalico.org/namespace": "ns-17", "projectcalico.org/orchestrator": "k8s",
	}
	for _, c := range benchmarks() {
		s := MustParse(c.text)
		if !s.Matches(labels) {
			b.Fatalf("%s does not match", s)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Matches(labels)
			}
		})
	}
}

func BenchmarkID(b *testing.B) {
	s := MustParse(benchmarks()[4].text)
	b.ReportAllocs()
	for b.Loop() {
		s.ID()
	}
}
