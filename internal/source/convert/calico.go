package convert

import (
	"encoding/json"
	"maps"
	"net/netip"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// calico converts the resources of projectcalico.org that have a place in the model.
func calico(obj any, invalid []api.FieldError) (Result, bool) {
	var r Result
	switch o := obj.(type) {
	case *api.NetworkPolicy:
		return networkPolicy(o, invalid), true
	case *api.GlobalNetworkPolicy:
		return globalNetworkPolicy(o, invalid), true
	case *api.Tier:
		r = result(model.KindTier, "", o.Name, tier(o))
	case *api.NetworkSet:
		labels := make(map[string]string, len(o.Labels)+1)
		maps.Copy(labels, o.Labels)
		labels[model.LabelNamespace] = o.Namespace
		r = result(model.KindNetworkSet, o.Namespace, o.Name, &model.NetworkSet{Labels: labels, Nets: nets(o.Spec.Nets)})
	case *api.GlobalNetworkSet:
		r = result(model.KindGlobalNetworkSet, "", o.Name, &model.NetworkSet{Labels: o.Labels, Nets: nets(o.Spec.Nets)})
	case *api.IPPool:
		r = pool(o)
	case *api.IPAMBlock:
		r = block(o)
	case *api.FelixConfiguration:
		r = configuration(o)
	default:
		return Result{}, false
	}
	r.invalid(invalid)
	return r, true
}

// invalid reports what validation has found. An object with a field that cannot be read
// is not taken over a good version of itself.
func (r *Result) invalid(errs []api.FieldError) {
	for _, e := range errs {
		severity := model.Failure
		if e.Warning {
			severity = model.Warning
		} else {
			r.Unreadable = true
		}
		r.problem(severity, e.Field, e.Value, "%s", e.Message)
	}
}

func tier(t *api.Tier) *model.Tier {
	v := &model.Tier{Order: model.Unordered(), Default: model.Deny}
	if t.Spec.Order != nil {
		v.Order = *t.Spec.Order
	}
	if t.Spec.DefaultAction == api.Pass {
		v.Default = model.Pass
	}
	return v
}

// nets reads those that can be read; validation has reported the others.
func nets(texts []string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		if net, err := api.ParseNet(text); err == nil {
			out = append(out, net)
		}
	}
	return out
}

// pool converts an IPPool. One without a range is no pool.
func pool(p *api.IPPool) Result {
	r := result(model.KindPool, "", p.Name, nil)
	cidr, err := api.ParseCIDR(p.Spec.CIDR)
	if err != nil || cidr.Overlaps(family.OfPrefix(cidr).LinkLocal()) {
		return r // validation reports it
	}
	v := &model.Pool{
		CIDR:        cidr,
		NATOutgoing: p.Spec.NATOutgoing,
		Disabled:    p.Spec.Disabled,
		VXLAN:       encapsulation(p.Spec.VXLANMode),
		IPIP:        encapsulation(p.Spec.IPIPMode),
	}
	if encapsulation, _ := v.Encapsulation(); encapsulation != model.IPIP {
		v.IPIP = model.EncapsulateNever // two of them, or IPIP of IPv6: validation reports it
	}
	r.Value = v
	return r
}

func encapsulation(m api.EncapMode) model.EncapsulationMode {
	switch m {
	case api.EncapAlways:
		return model.EncapsulateAlways
	case api.EncapCrossSubnet:
		return model.EncapsulateCrossSubnet
	}
	return model.EncapsulateNever
}

// block converts an IPAMBlock. One that is on its way out counts as gone.
func block(b *api.IPAMBlock) Result {
	r := result(model.KindBlock, "", b.Name, nil)
	cidr, err := api.ParseCIDR(b.Spec.CIDR)
	if err != nil || b.Spec.Deleted {
		return r
	}
	v := &model.Block{CIDR: cidr}
	v.Node, _ = b.Host()
	for a := range b.Allocated() {
		owner := a.Attribute.Secondary
		v.Allocations = append(v.Allocations, model.Allocation{
			Address:   a.Addr,
			Node:      owner["node"],
			Namespace: owner["namespace"],
			Pod:       owner["pod"],
		})
	}
	r.Value = v
	return r
}

// configuration converts a FelixConfiguration; package config knows what its values mean.
func configuration(c *api.FelixConfiguration) Result {
	r := result(model.KindConfiguration, "", c.Name, nil)
	v := &model.Configuration{Spec: make(map[string]any, len(c.Spec))}
	for name, raw := range c.Spec {
		if len(raw) == 0 || string(raw) == "null" {
			continue // as good as not written, as everywhere in Kubernetes
		}
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			r.problem(model.Failure, "spec."+name, string(raw), "cannot be read: %v", err)
			continue
		}
		v.Spec[name] = value
	}
	r.Value = v
	return r
}
