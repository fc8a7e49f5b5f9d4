package calc

import "fmt"

// Residue lists what a graph holds. Of a graph whose input has all gone nothing may be
// left.
func (g *Graph) Residue() (left []string) {
	x := g.classes.index
	for name, n := range map[string]int{
		"classes": g.classes.classes.size(), "shapes": g.classes.shapes.size(), "port lists": g.classes.ports.size(),
		"namespaces": g.classes.spaces.size(), "service accounts": g.classes.accounts.size(),
		"keys": x.names.size(), "places": x.places.size() - 1, "links": x.links.size(), "queries": x.queries.size(),
		"pods": g.pods.size(), "claims": g.addresses.claims.size(), "unsure": len(g.addresses.unsure),
		"node names": g.nodes.texts.size(), "nodes": len(g.ipam.nodes), "pools": len(g.ipam.pools), "covered": len(g.ipam.blocks),
		"services": len(g.ipam.services), "standing": len(g.ipam.standing), "of nodes": len(g.ipam.ofNodes), "of services": len(g.ipam.ofServices),
		"blocks": len(g.blocks), "network sets": g.netsets.size(), "selections": g.sets.count,
		"policies": g.policies.rows.size(), "active": len(g.policies.active), "ranked": len(g.policies.order.sorted),
		"locals": len(g.endpoints.locals), "local classes": len(g.endpoints.classOf), "interfaces": len(g.endpoints.byInterface),
		"endpoints sent": len(g.endpoints.ledger.sent), "behind": len(g.routes.behind), "by node": len(g.routes.byNode), "routes sent": len(g.routes.ledger.sent),
		"node ends": len(g.tunnels.ends), "tunnel addresses": len(g.tunnels.having), "VTEPs sent": len(g.tunnels.ledger.sent),
		"own blocks": len(g.own.blocks), "own sent": len(g.own.ledger.sent), "service nets": g.ipam.serviceNets.Size(),
		"hosts": len(g.hosts.byAddress), "keys of nodes": len(g.keys.having), "peers sent": len(g.keys.ledger.sent), "pool CIDRs": len(g.pools.byCIDR), "problems": len(g.problems.sent),
	} {
		if n != 0 {
			left = append(left, fmt.Sprintf("%d %s", n, name))
		}
	}
	return left
}
