package calc

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// nodeProblems are what is wrong with a node: what it shares with another, what keeps its pods
// out of reach from here, and tunnel addresses that are in no pool for them.
func (g *Graph) nodeProblems(key model.Key) []model.Problem {
	n := g.node(key.Name)
	list := g.hosts.problems(key, n)
	list = append(list, g.tunnels.shared(key.Name)...)
	list = append(list, g.keys.shared(key.Name)...)
	if key.Name == g.own.node {
		list = append(list, g.own.problems()...)
	} else {
		list = append(list, g.routes.outOfReach(key.Name)...)
	}
	list = append(list, g.pools.strays(n)...)
	list = append(list, g.routes.contested(key.Name, n)...)
	for i := range list {
		list[i].Object = key.String()
	}
	return list
}

// complainOfNode has the problems of a node found anew.
func (g *Graph) complainOfNode(name string) {
	if name != "" {
		g.problems.mark(model.Key{Kind: model.KindNode, Name: name})
	}
}

// shared are the tunnel and hardware addresses that a node has, and that count for another.
func (t *tunnels) shared(name string) (out []model.Problem) {
	stated := t.ends[name]
	tell := func(a endAddress, annotation, value string) {
		if other := t.holder(a); other != name {
			out = append(out, model.Problem{
				Severity: model.Failure, Field: model.AnnotationField(annotation), Value: value,
				Message: "is that of node " + other + " as well, for which it counts",
			})
		}
	}
	for _, u := range family.All() {
		v := stated.vxlan.Get(u)
		if v.Node == "" {
			continue
		}
		tell(endAddress{mac: v.MAC, over: u}, model.VXLANMACAnnotation(u), v.MAC.String())
		for _, f := range family.All() {
			if a := v.Addresses.Get(f); a.IsValid() {
				tell(endAddress{address: a}, model.VXLANAddressAnnotation(f), a.String())
			}
		}
	}
	if stated.ipip.IsValid() {
		tell(endAddress{address: stated.ipip}, model.IPIPAddressAnnotation, stated.ipip.String())
	}
	return out
}

// contested are the podCIDRs of a node that another one has as well.
func (r *routes) contested(name string, n *model.Node) (out []model.Problem) {
	for _, cidr := range podCIDRs(n) {
		if !cidr.IsValid() {
			continue
		}
		for _, b := range r.behind[plain(cidr)] {
			if b.reason == podCIDR && b.node != name {
				out = append(out, model.Problem{
					Severity: model.Failure, Field: "spec.podCIDRs", Value: cidr.String(),
					Message: "is that of node " + b.node + " as well; packets to it go to node " + r.behind[plain(cidr)][0].node,
				})
				break
			}
		}
	}
	return out
}

// outOfReach says what keeps a node's destinations from having a route, once for each cause.
func (r *routes) outOfReach(name string) (out []model.Problem) {
	lost := map[obstacle][]netip.Prefix{}
	for to := range r.byNode[name] {
		if _, why := r.way(to, name); why != (obstacle{}) {
			lost[why] = append(lost[why], to)
		}
	}
	for why, list := range lost {
		out = append(out, model.Problem{
			Severity: model.Failure, Field: why.field,
			Message: fmt.Sprintf("%s: no route to %s", why.text, firstOf(list)),
		})
	}
	return out
}

// firstOf is the first of the prefixes, and how many more there are.
func firstOf(list []netip.Prefix) string {
	first := slices.MinFunc(list, comparePrefixes).String()
	if len(list) == 1 {
		return first
	}
	return fmt.Sprintf("%s and %d more", first, len(list)-1)
}

// problems are what keeps this node from using a tunnel that pools ask for.
func (o *own) problems() (out []model.Problem) {
	n := o.nodes(o.node)
	for _, f := range family.All() {
		if n != nil && o.pools.ask(model.VXLAN, f) && !n.VXLAN.Get(f).Address.IsValid() {
			out = append(out, model.Problem{
				Severity: model.Warning, Field: model.AnnotationField(model.VXLANAddressAnnotation(f)),
				Message: "this node has no tunnel address: other nodes have no way to it through VXLAN",
			})
		}
		v, _ := o.present(f)
		wanted := cmp.Or(map[bool]string{true: model.VXLAN.String()}[v.VXLAN], map[bool]string{true: model.IPIP.String()}[v.IPIP])
		if wanted != "" && !v.Address.IsValid() {
			out = append(out, model.Problem{
				Severity: model.Failure, Field: "address",
				Message: fmt.Sprintf("this node has no %v address: no %s over %v begins here", f, wanted, f),
			})
		}
	}
	return out
}

// strays are the tunnel addresses of a node that lie in no pool with their encapsulation, if
// there are such pools. They are used all the same.
func (p *pools) strays(n *model.Node) (out []model.Problem) {
	if n == nil {
		return nil
	}
	tell := func(e model.Encapsulation, a netip.Addr, annotation string) {
		if !a.IsValid() || !p.ask(e, family.Of(a)) {
			return
		}
		if pool := p.around(family.HostPrefix(a)); pool != nil {
			if asks, _ := pool.Encapsulation(); asks == e {
				return
			}
		}
		out = append(out, model.Problem{
			Severity: model.Warning, Field: model.AnnotationField(annotation), Value: a.String(),
			Message: fmt.Sprintf("lies in no IPPool with %v", e),
		})
	}
	for _, f := range family.All() {
		tell(model.VXLAN, n.VXLAN.Get(f).Address, model.VXLANAddressAnnotation(f))
	}
	tell(model.IPIP, n.IPIP, model.IPIPAddressAnnotation)
	return out
}
