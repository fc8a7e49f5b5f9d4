package config

import "github.com/margay-net/margay/internal/family"

func familyTable() Group {
	const off = " Off, its routes, sets and policy are removed, and its traffic on pod interfaces stays dropped in every hook."
	support := func(f family.Family) Value {
		return as(boolean(), func(s *Settings) *bool { return s.Support.At(f) })
	}
	return Group{Title: "Address families", Intro: "Either family can be switched off and on in a running agent.",
		Settings: []Setting{{
			Name: "Ipv4Support", Field: "ipv4Support", Value: support(family.V4), Default: "true",
			Help:    "IPv4 for pods." + off,
			Differs: "Margay's own: Felix cannot switch IPv4 off.",
		}, {
			Name: "Ipv6Support", Field: "ipv6Support", Value: support(family.V6), Default: "true",
			Help: "IPv6 for pods." + off,
		}},
	}
}
