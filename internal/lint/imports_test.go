package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// room is a row of the import table in docs/architecture.md: a folder with all below it, what of
// the tree it may import, and what of the world. A room may import itself; everyone may import
// internal/family and what of the world is in no class.
type room struct {
	folder string
	tree   string // rooms, without "internal/"
	world  string // classes
}

// classes are the parts of the world that only some rooms may know; the first that fits counts.
var classes = []struct {
	name     string
	prefixes []string
}{
	{"apimachinery", []string{"k8s.io/apimachinery/", "sigs.k8s.io/yaml", "sigs.k8s.io/json"}},
	{"kubernetes", []string{"k8s.io/", "sigs.k8s.io/"}},
	{"kernel", []string{"github.com/vishvananda/", "github.com/google/nftables", "github.com/mdlayher/", "golang.org/x/sys/unix", "golang.org/x/net/bpf", "syscall"}},
	{"processes", []string{"os/exec", "github.com/coreos/go-iptables"}},
	{"logs", []string{"github.com/sirupsen/logrus", "log"}},
	{"commands", []string{"github.com/spf13/"}},
}

// rooms is the import table. The core comes first: it computes, and touches nothing.
var rooms = []room{
	{"internal/family", "", ""},
	{"internal/model", "", ""},
	{"internal/selector", "", ""},
	{"internal/calc", "model selector", ""},
	{"internal/rules", "model", ""},
	{"internal/reconcile", "", ""},

	{"api", "", "apimachinery"},
	{"internal/nearest", "", ""},
	{"internal/config", "model nearest", ""},
	{"internal/source", "api model nearest selector", "apimachinery kubernetes kernel logs"},
	{"internal/engine", "calc config model selector source", "logs"},

	{"internal/interfaces", "model reconcile", "kernel"},
	{"internal/nftables", "model rules reconcile", "kernel"},
	{"internal/ipset", "model reconcile", "processes"},
	{"internal/iptables", "ipset model rules reconcile", "kernel processes"},
	{"internal/routes", "model reconcile interfaces", "kernel"},
	{"internal/vxlan", "model reconcile interfaces", "kernel"},
	{"internal/ipip", "model reconcile interfaces", "kernel"},
	{"internal/mtu", "", ""},
	{"internal/hostconfig", "", ""},
	{"internal/wireguard", "model reconcile interfaces", "kernel"},
	{"internal/conntrack", "model", "kernel"},
	{"internal/clean", "interfaces ipset iptables routes", "kernel"},
	{"internal/dataplane", "calc config conntrack engine health interfaces ipip ipset iptables metrics model mtu nftables reconcile routes rules vxlan wireguard", "kernel logs"},

	{"internal/health", "", ""},
	{"internal/metrics", "", "logs"},
	{"internal/serve", "", "kernel logs"},
	{"internal/tuning", "config", ""},
	{"internal/netlab", "", "kernel processes"},
	{"internal/workload", "api model source", "apimachinery kubernetes"},
	{"internal/demo", "netlab", "apimachinery kernel kubernetes processes"},
	{"internal/lint", "", ""},

	{"hack", "", ""},                 // what make runs
	{"cmd", "*", "*"},                // wiring
	{"internal/benchmark", "*", "*"}, // the whole, measured
	{"internal/nodetest", "*", "*"},  // the whole, under test
	{"test", "*", "*"},               // likewise, in modules of their own
}

// roomOf is the row that a package belongs to.
func roomOf(path string) (room, bool) {
	i := slices.IndexFunc(rooms, func(r room) bool {
		return path == r.folder || strings.HasPrefix(path, r.folder+"/")
	})
	if i < 0 {
		return room{}, false
	}
	return rooms[i], true
}

// may says whether the room may import a path, and if not why.
func (r room) may(path string) (bool, string) {
	inTree, found := strings.CutPrefix(path, module)
	if !found {
		class := classOf(path)
		return class == "" || r.world == "*" || slices.Contains(strings.Fields(r.world), class),
			fmt.Sprintf("%s may not import %s: no row gives it %s", r.folder, path, class)
	}
	of, known := roomOf(inTree)
	name := strings.TrimPrefix(of.folder, "internal/")
	ok := known && (of == r || name == "family" || r.tree == "*" || slices.Contains(strings.Fields(r.tree), name))
	return ok, fmt.Sprintf("%s may not import %s", r.folder, inTree)
}

func classOf(path string) string {
	for _, class := range classes {
		for _, p := range class.prefixes {
			if path == p || strings.HasPrefix(path, strings.TrimSuffix(p, "/")+"/") {
				return class.name
			}
		}
	}
	return ""
}

func TestImportTable(t *testing.T) {
	findings := make(map[string]string)
	for _, p := range tree(t) {
		r, ok := roomOf(p.path)
		if !ok {
			findings[p.path] = "this folder has no row in the import table (internal/lint, docs/architecture.md)"
			continue
		}
		for _, path := range p.imports {
			if ok, why := r.may(path); !ok {
				findings[p.path+" imports "+strings.TrimPrefix(path, module)] = why
			}
		}
	}
	exceptions{}.check(t, findings)
}

// The core has no clock either: time comes to it as an argument.
func TestCoreHasNoClock(t *testing.T) {
	findings := make(map[string]string)
	for _, p := range tree(t) {
		r, _ := roomOf(p.path)
		if i := slices.Index(rooms, r); i < 0 || i > slices.IndexFunc(rooms, func(r room) bool { return r.folder == "internal/reconcile" }) {
			continue
		}
		for _, f := range p.files {
			for _, call := range clockCalls(f) {
				findings[call] = "the core reads no clock and starts no timer"
			}
		}
	}
	exceptions{}.check(t, findings)
}

func TestRowsOfTheTable(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"internal/calc", module + "internal/selector", true},
		{"internal/calc/calctest", module + "internal/calc", true},
		{"internal/calc", module + "internal/rules", false},
		{"internal/calc", "k8s.io/api/core/v1", false},
		{"internal/calc", "github.com/gaissmai/bart", true},
		{"api", "k8s.io/apimachinery/pkg/apis/meta/v1", true},
		{"api", "k8s.io/client-go/kubernetes", false},
		{"internal/rules", "golang.org/x/sys/unix", false},
		{"internal/nftables/render", module + "internal/rules", true},
		{"internal/nftables", "os/exec", false},
		{"internal/netlab", "os/exec", true},
		{"internal/model", "log", false},
		{"internal/model", "log/slog", false},
		{"internal/model", "go.uber.org/logger", true},
		{"cmd/agent", module + "internal/dataplane", true},
	} {
		r, ok := roomOf(c.from)
		if !ok {
			t.Fatalf("%s has no row", c.from)
		}
		if got, _ := r.may(c.to); got != c.want {
			t.Errorf("%s may import %s: %t, want %t", c.from, c.to, got, c.want)
		}
	}
	if _, ok := roomOf("internal/familytree"); ok {
		t.Error("a folder whose name begins as another's is taken for it")
	}
}
