package api

import (
	"math"
	"strconv"
	"strings"
)

// policy checks what the two kinds of policy have in common. global is for the kind without a namespace.
func (ps *problems) policy(s *PolicySpec, global bool) {
	spec := (*path)(nil).at("spec")
	ps.tierName(spec.at("tier"), s.Tier)
	if o := s.Order; o != nil && (math.IsNaN(*o) || math.IsInf(*o, 0)) {
		ps.add(spec.at("order"), strconv.FormatFloat(*o, 'g', -1, 64), "must be a finite number")
	}
	ps.noGlobal(spec.at("selector"), s.Selector)
	ps.noGlobal(spec.at("serviceAccountSelector"), s.ServiceAccountSelector)
	seen := map[PolicyType]bool{}
	for i, t := range s.Types {
		at := spec.at("types").item(i)
		if t == "" {
			ps.add(at, "", "must be one of Ingress, Egress")
		}
		oneOf(ps, at, t, PolicyTypeIngress, PolicyTypeEgress)
		if seen[t] {
			ps.add(at, string(t), "named twice")
		}
		seen[t] = true
	}
	for i := range s.Ingress {
		at := spec.at("ingress").item(i)
		ps.rule(at, &s.Ingress[i])
		ps.ruleServices(at, &s.Ingress[i].Source, "source", &s.Ingress[i].Destination, "destination", global)
	}
	for i := range s.Egress {
		at := spec.at("egress").item(i)
		ps.rule(at, &s.Egress[i])
		ps.ruleServices(at, &s.Egress[i].Destination, "destination", &s.Egress[i].Source, "source", global)
		if s.Egress[i].HTTP != nil {
			ps.add(at.at("http"), "", "not for egress rules")
		}
	}
}

// noGlobal checks a selector that must not be "global()", which only a rule's namespaceSelector may be.
func (ps *problems) noGlobal(p *path, selector string) {
	if strings.Contains(selector, "global(") {
		ps.add(p, selector, "global() stands only in the namespaceSelector of a rule")
	}
}

// rule checks one rule by itself.
func (ps *problems) rule(at *path, r *Rule) {
	if r.Action == "" {
		ps.add(at.at("action"), "", "required")
	}
	oneOf(ps, at.at("action"), r.Action, Allow, Deny, Log, Pass)
	if v := r.IPVersion; v != nil && *v != 4 && *v != 6 {
		ps.add(at.at("ipVersion"), strconv.Itoa(*v), "must be 4 or 6")
	}
	ps.protocol(at.at("protocol"), r.Protocol, r)
	ps.protocol(at.at("notProtocol"), r.NotProtocol, r)
	ps.icmp(at.at("icmp"), r.ICMP, r.Protocol)
	ps.icmp(at.at("notICMP"), r.NotICMP, r.Protocol)
	ps.entity(at.at("source"), &r.Source, r.Protocol)
	ps.entity(at.at("destination"), &r.Destination, r.Protocol)
	ps.http(at.at("http"), r)
}

// protocol checks a protocol against the rule's IP version. An IP version in its place is only a warning
// where the rule does not allow: read as meant, such a rule opens nothing.
func (ps *problems) protocol(p *path, proto *Protocol, r *Rule) {
	if proto == nil {
		return
	}
	n, err := proto.Number()
	if err != nil {
		meant := proto.IPVersion()
		clear := meant != 0 && p.name == "protocol" && (r.IPVersion == nil || *r.IPVersion == meant)
		if clear && (r.Action == Deny || r.Action == Pass || r.Action == Log) {
			ps.warn(p, string(*proto), err.Error())
			return
		}
		ps.add(p, string(*proto), err.Error())
		return
	}
	if v := r.IPVersion; v != nil && (n == 1 && *v == 6 || n == 58 && *v == 4) {
		ps.add(p, string(*proto), "the rule's ipVersion is "+strconv.Itoa(*v))
	}
}

// icmp checks ranges, and that the rule names the ICMP that the numbers are of.
func (ps *problems) icmp(p *path, f *ICMPFields, proto *Protocol) {
	if f == nil {
		return
	}
	if t := f.Type; t != nil && (*t < 0 || *t > 254) {
		ps.add(p.at("type"), strconv.Itoa(*t), "must be from 0 to 254")
	}
	if c := f.Code; c != nil && (*c < 0 || *c > 255) {
		ps.add(p.at("code"), strconv.Itoa(*c), "must be from 0 to 255")
	}
	if f.Code != nil && f.Type == nil {
		ps.add(p.at("code"), strconv.Itoa(*f.Code), "needs a type")
	}
	if proto != nil {
		if n, err := proto.Number(); err == nil && (n == 1 || n == 58) {
			return
		}
	}
	ps.add(p, "", "needs protocol ICMP or ICMPv6")
}

// entity checks one end of a rule.
func (ps *problems) entity(at *path, e *EntityRule, proto *Protocol) {
	ps.nets(at.at("nets"), e.Nets)
	ps.nets(at.at("notNets"), e.NotNets)
	ps.noGlobal(at.at("selector"), e.Selector)
	ps.noGlobal(at.at("notSelector"), e.NotSelector)
	if strings.Contains(e.NamespaceSelector, "global(") && strings.Trim(e.NamespaceSelector, " ()\t") != "global" {
		ps.add(at.at("namespaceSelector"), e.NamespaceSelector, "global() cannot be combined with other terms")
	}
	ps.ports(at.at("ports"), e.Ports)
	ps.ports(at.at("notPorts"), e.NotPorts)
	if proto != nil && proto.HasPorts() {
		return
	}
	const message = "needs protocol TCP, UDP or SCTP"
	if len(e.Ports) > 0 {
		ps.add(at.at("ports"), "", message)
	}
	if len(e.NotPorts) > 0 {
		ps.add(at.at("notPorts"), "", message)
	}
}

// ruleServices checks the service matches of a rule: peer is the end that may have one, own is the end that
// is the policy's own endpoint.
func (ps *problems) ruleServices(at *path, peer *EntityRule, peerName string, own *EntityRule, ownName string, global bool) {
	if own.Services != nil {
		ps.add(at.at(ownName).at("services"), own.Services.Name, "only the other end of the traffic can be a service")
	}
	s := peer.Services
	if s == nil {
		return
	}
	p := at.at(peerName).at("services")
	if s.Name == "" {
		ps.add(p.at("name"), "", "required")
	}
	if s.Namespace == "" && global {
		ps.add(p.at("namespace"), "", "required in a global policy")
	}
	if peer.Selector != "" || peer.NotSelector != "" || peer.NamespaceSelector != "" || peer.ServiceAccounts != nil ||
		len(peer.Nets) > 0 || len(peer.NotNets) > 0 {
		ps.add(p, s.Name, "excludes selectors, service accounts and nets on the same end")
	}
	if peerName == "destination" && (len(peer.Ports) > 0 || len(peer.NotPorts) > 0) {
		ps.add(p, s.Name, "excludes ports: the service's own are used")
	}
}

// http checks the match of requests, which only makes sense on rules that allow TCP.
func (ps *problems) http(p *path, r *Rule) {
	if r.HTTP == nil {
		return
	}
	if r.Action != Allow {
		ps.add(p, "", "only for Allow rules")
	}
	if r.Protocol != nil {
		if n, err := r.Protocol.Number(); err != nil || n != 6 {
			ps.add(p, "", "needs protocol TCP or none")
		}
	}
	for i, h := range r.HTTP.Paths {
		if (h.Exact == "") == (h.Prefix == "") {
			ps.add(p.at("paths").item(i), "", "needs either exact or prefix")
		}
	}
}
