package config

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/family"
)

// HostPort is a port of a protocol, towards or from one net or everywhere.
type HostPort struct {
	Protocol string // "tcp", "udp" or "sctp"
	Port     uint16
	Net      netip.Prefix // the zero Prefix is any net of either family
}

// String writes "tcp:22", "tcp:10.0.0.0/8:22" or "tcp:[fd00::/8]:22".
func (p HostPort) String() string {
	switch {
	case !p.Net.IsValid():
		return fmt.Sprintf("%s:%d", p.Protocol, p.Port)
	case family.OfPrefix(p.Net) == family.V6:
		return fmt.Sprintf("%s:[%v]:%d", p.Protocol, p.Net, p.Port)
	}
	return fmt.Sprintf("%s:%v:%d", p.Protocol, p.Net, p.Port)
}

// hostPorts is a list of ports of this host, as Felix's failsafe lists have it.
func hostPorts() kind[[]HostPort] {
	return kind[[]HostPort]{
		name:   "list of PROTOCOL:PORT or PROTOCOL:NET:PORT, an IPv6 net in brackets",
		parse:  func(text string) ([]HostPort, error) { return splitList(text, parseHostPort) },
		show:   func(ps []HostPort) string { return joinList(ps, HostPort.String) },
		list:   true,
		object: hostPortObject,
	}
}

func parseHostPort(text string) (HostPort, error) {
	wrong := fmt.Errorf("%q must be PROTOCOL:PORT or PROTOCOL:NET:PORT with protocol tcp, udp or sctp", text)
	protocol, rest, found := strings.Cut(text, ":")
	if !found {
		protocol, rest = "tcp", text
	}
	at := HostPort{Protocol: strings.ToLower(protocol)}
	if !slices.Contains([]string{"tcp", "udp", "sctp"}, at.Protocol) {
		return HostPort{}, wrong
	}
	if colon := strings.LastIndexByte(rest, ':'); colon >= 0 {
		net, bracketed := rest[:colon], false
		if net, bracketed = strings.CutPrefix(net, "["); bracketed {
			if net, bracketed = strings.CutSuffix(net, "]"); !bracketed {
				return HostPort{}, wrong
			}
		}
		var err error
		if at.Net, err = parsePrefix(net); err != nil {
			return HostPort{}, err
		}
		if bracketed != (family.OfPrefix(at.Net) == family.V6) {
			return HostPort{}, fmt.Errorf("%q: an IPv6 net stands in brackets, an IPv4 net without", text)
		}
		rest = rest[colon+1:]
	}
	var err error
	if at.Port, err = port(0).parse(rest); err != nil {
		return HostPort{}, wrong
	}
	return at, nil
}

// hostPortObject reads {protocol: tcp, port: 22, net: 10.0.0.0/8}.
func hostPortObject(o map[string]any) (string, error) {
	f, err := jsonFields(o, "protocol", "port", "net")
	if err != nil {
		return "", err
	}
	if f["protocol"] == "" {
		f["protocol"] = "tcp"
	}
	net := f["net"]
	if strings.Contains(net, ":") {
		net = "[" + net + "]"
	}
	if net != "" {
		net += ":"
	}
	return f["protocol"] + ":" + net + f["port"], nil
}

// TableRange is the routing tables with the numbers First to Last.
type TableRange struct{ First, Last uint32 }

// String writes "1-250".
func (r TableRange) String() string { return fmt.Sprintf("%d-%d", r.First, r.Last) }

// tableRanges is a list of ranges of routing table numbers.
func tableRanges() kind[[]TableRange] {
	return kind[[]TableRange]{
		name:  "list of FIRST-LAST",
		parse: func(text string) ([]TableRange, error) { return splitList(text, parseTableRange) },
		show:  func(rs []TableRange) string { return joinList(rs, TableRange.String) },
		list:  true,
		object: func(o map[string]any) (string, error) {
			f, err := jsonFields(o, "min", "max")
			return f["min"] + "-" + f["max"], err
		},
	}
}

// parseTableRange refuses ranges that hold tables 253 to 255, which are the kernel's
// default, main and local (linux/rtnetlink.h).
func parseTableRange(text string) (TableRange, error) {
	first, last, _ := strings.Cut(text, "-")
	from, err := strconv.ParseUint(first, 10, 32)
	to, err2 := strconv.ParseUint(last, 10, 32)
	if err != nil || err2 != nil || from < 1 || from > to {
		return TableRange{}, fmt.Errorf("%q must be FIRST-LAST, routing tables from 1", text)
	}
	if from <= 255 && to >= 253 {
		return TableRange{}, fmt.Errorf("%q holds the kernel's own tables, 253 to 255", text)
	}
	return TableRange{uint32(from), uint32(to)}, nil
}

// namedDurations is a list of NAME=DURATION, a bare number being seconds.
func namedDurations() kind[map[string]time.Duration] {
	return kind[map[string]time.Duration]{
		name:  "list of NAME=DURATION",
		parse: parseNamedDurations,
		show: func(m map[string]time.Duration) string {
			return joinList(slices.Sorted(maps.Keys(m)), func(name string) string {
				return name + "=" + showDuration(m[name])
			})
		},
		list: true,
		object: func(o map[string]any) (string, error) {
			f, err := jsonFields(o, "name", "timeout")
			return f["name"] + "=" + f["timeout"], err
		},
	}
}

func parseNamedDurations(text string) (map[string]time.Duration, error) {
	all := map[string]time.Duration{}
	_, err := splitList(text, func(part string) (struct{}, error) {
		name, value, _ := strings.Cut(part, "=")
		d, err := parseDuration(strings.TrimSpace(value), time.Second)
		if name = strings.TrimSpace(name); name == "" || err != nil {
			return struct{}{}, fmt.Errorf("%q must be NAME=DURATION, as Dataplane=90s", part)
		}
		all[name] = d
		return struct{}{}, nil
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all, nil
}

// Rate is Count events in the time Per. The zero value is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

// rates are the units that a Rate is written in.
func rates() map[string]time.Duration {
	return map[string]time.Duration{
		"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour,
	}
}

// String writes "10/second", or nothing.
func (r Rate) String() string {
	for unit, per := range rates() {
		if r.Per == per {
			return fmt.Sprintf("%d/%s", r.Count, unit)
		}
	}
	return ""
}

// rate is a number a second, minute, hour or day.
func rate() kind[Rate] {
	return kind[Rate]{
		name: "rate, as 10/second, up to 9999 a second, minute, hour or day",
		parse: func(text string) (Rate, error) {
			count, unit, _ := strings.Cut(text, "/")
			n, err := integer(1, 9999).parse(count)
			per, known := rates()[unit]
			if err != nil || !known {
				return Rate{}, errors.New("must be a number from 1 to 9999, '/', and second, minute, hour or day")
			}
			return Rate{Count: n, Per: per}, nil
		},
		show:  Rate.String,
		shape: textShape(`^([1-9][0-9]{0,3}/(second|minute|hour|day)|none)?$`),
	}
}
