package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/margay-net/margay/internal/family"
)

// NFTables are the metrics of the nftables driver.
type NFTables struct {
	chains, rules, maps, sets *prometheus.GaugeVec
	members                   *prometheus.GaugeVec
	ipSets                    *prometheus.GaugeVec
	ipSetsTotal               prometheus.Gauge
	calls, errors             prometheus.Counter
}

// NewNFTables makes and registers the metrics.
func NewNFTables(r prometheus.Registerer) *NFTables {
	return &NFTables{
		chains:      gauge(r, "felix_nft_chains", "Chains that apply to the IP version.", "ip_version"),
		rules:       gauge(r, "felix_nft_rules", "Rules that apply to the IP version.", "ip_version"),
		maps:        gauge(r, "felix_nft_maps", "Maps that apply to the IP version.", "ip_version"),
		sets:        gauge(r, "felix_nft_sets", "Sets that apply to the IP version.", "ip_version"),
		members:     gauge(r, "margay_nft_set_members", "Members of sets and maps that apply to the IP version.", "ip_version"),
		ipSets:      gauge(r, "felix_ipsets_calico", "Sets of addresses, nets and ports of policy.", "ip_version"),
		ipSetsTotal: gauge(r, "felix_ipsets_total", "Sets of addresses, nets and ports of policy, both families.").WithLabelValues(),
		calls:       counter(r, "felix_nft_calls", "Transactions sent to nftables.").WithLabelValues(),
		errors:      counter(r, "felix_nft_errors", "Transactions that nftables refused.").WithLabelValues(),
	}
}

// TableSize is how much of the table applies to one family. What serves both counts in each.
type TableSize struct {
	Chains, Rules, Maps, Sets int
	Members                   int // of all maps and sets
	PolicySets                int // of Sets, those that policy refers to
}

// SetSizes replaces the sizes of both families; a family that is off has none.
func (n *NFTables) SetSizes(sizes family.Pair[TableSize]) {
	total := 0
	for _, f := range family.All() {
		size, version := sizes.Get(f), ipVersion(f)
		n.chains.WithLabelValues(version).Set(float64(size.Chains))
		n.rules.WithLabelValues(version).Set(float64(size.Rules))
		n.maps.WithLabelValues(version).Set(float64(size.Maps))
		n.sets.WithLabelValues(version).Set(float64(size.Sets))
		n.members.WithLabelValues(version).Set(float64(size.Members))
		n.ipSets.WithLabelValues(version).Set(float64(size.PolicySets))
		total += size.PolicySets
	}
	n.ipSetsTotal.Set(float64(total))
}

// Sent counts a transaction, and whether the kernel refused it.
func (n *NFTables) Sent(err error) {
	n.calls.Inc()
	if err != nil {
		n.errors.Inc()
	}
}

// Routes are the metrics of the routes driver.
type Routes struct {
	routes, links                   *prometheus.GaugeVec
	resync, partial, conntrackDelay prometheus.Summary
}

// NewRoutes makes and registers the metrics. Felix's per-table gauges get the IP version as a
// further label, because there the two families overwrite each other's.
func NewRoutes(r prometheus.Registerer) *Routes {
	return &Routes{
		routes:         gauge(r, "felix_route_table_num_routes", "Routes of ours in the table.", "table", "ip_version"),
		links:          gauge(r, "felix_route_table_num_ifaces", "Interfaces that routes of ours in the table use.", "table", "ip_version"),
		resync:         summary(r, "felix_route_table_resync_seconds", "Time to read all routes back."),
		partial:        summary(r, "felix_route_table_partial_resync_seconds", "Time to read the routes of one interface back."),
		conntrackDelay: summary(r, "felix_route_table_conntrack_wait_seconds", "Time that routes waited for connections of the address's last owner to be removed."),
	}
}

// SetSize says how many routes of ours a kernel table (254 is main) holds, over how many interfaces.
func (r *Routes) SetSize(table int, f family.Family, routes, links int) {
	r.routes.WithLabelValues(strconv.Itoa(table), ipVersion(f)).Set(float64(routes))
	r.links.WithLabelValues(strconv.Itoa(table), ipVersion(f)).Set(float64(links))
}

// Resynced records a read-back of all routes.
func (r *Routes) Resynced(took time.Duration) { r.resync.Observe(took.Seconds()) }

// LinkResynced records a read-back of one interface's routes.
func (r *Routes) LinkResynced(took time.Duration) { r.partial.Observe(took.Seconds()) }

// ConntrackWaited records how long a route waited for stale connections to be removed.
func (r *Routes) ConntrackWaited(took time.Duration) { r.conntrackDelay.Observe(took.Seconds()) }
