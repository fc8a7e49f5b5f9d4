package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// weather is a cluster in which things change while others break, and what is to come of it by
// the simplest account: the database lets those in whose role its policy names, or everybody.
type weather struct {
	t      *testing.T
	c      *cluster.Cluster
	random *rand.Rand
	made   int
	pods   map[string]*cluster.Pod
	role   map[string]string // of a pod
	policy []string          // the roles that it lets in; nil: there is none
	cut    map[string]bool   // nodes
	story  []string
}

// TestWeather has pods come, go and change and policies change, in any order, while servers and
// agents are stopped and killed and nodes are cut off. When all is well again, all is as it should.
func TestWeather(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := &weather{
				t: t, c: cluster.Start(t, cluster.Options{Nodes: 2}), random: rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // to be repeated
				pods: map[string]*cluster.Pod{}, role: map[string]string{}, cut: map[string]bool{},
			}
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("what happened:\n%s", strings.Join(w.story, "\n"))
				}
			})
			w.c.AddPod(cluster.PodSpec{Name: "shop/db", Node: "node2", Labels: map[string]string{"role": "db"}, Serves: []uint16{5432}})
			startAgents(w.c)
			for range 3 {
				for range 8 {
					w.change()
					w.change()
					w.breakSomething()
				}
				w.clear()
				w.c.AwaitFlows(w.expected())
			}
		})
	}
}

// expected is a flow from every pod to the database, in every family.
func (w *weather) expected() []netlab.Expectation {
	var all []netlab.Expectation
	for name := range w.pods {
		allowed := w.policy == nil || slices.Contains(w.policy, w.role[name])
		all = append(all, w.c.Flows(name, "shop/db", netlab.TCP, 5432, allowed)...)
	}
	return all
}

// change changes a pod or the policy.
func (w *weather) change() {
	w.t.Helper()
	switch w.random.IntN(5) {
	case 0, 1:
		w.made++
		name, node := fmt.Sprintf("shop/pod-%d", w.made), w.pick("node1", "node2")
		w.role[name] = w.pick("red", "green", "blue")
		w.tell("%s comes on %s, %s", name, node, w.role[name])
		w.pods[name] = w.c.AddPod(cluster.PodSpec{Name: name, Node: node, Labels: map[string]string{"role": w.role[name]}})
	case 2:
		if name := w.anyPod(); name != "" {
			w.tell("%s goes", name)
			w.pods[name].Delete()
			delete(w.pods, name)
		}
	case 3:
		if name := w.anyPod(); name != "" {
			w.role[name] = w.pick("red", "green", "blue")
			w.tell("%s turns %s", name, w.role[name])
			w.kubectl("label", "--overwrite", "pod", "-n", "shop", strings.TrimPrefix(name, "shop/"), "role="+w.role[name])
		}
	case 4:
		w.changePolicy()
	}
}

func (w *weather) changePolicy() {
	w.t.Helper()
	if w.random.IntN(4) == 0 {
		w.policy = nil
		w.tell("no policy")
		w.kubectl("delete", "networkpolicy", "-n", "shop", "--all")
		return
	}
	w.policy = []string{w.pick("red", "green"), w.pick("green", "blue")}
	w.tell("policy: %v", w.policy)
	w.c.Apply(fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: shop, name: db}
spec:
  podSelector: {matchLabels: {role: db}}
  ingress: [{from: [{podSelector: {matchExpressions: [{key: role, operator: In, values: [%s]}]}}]}]
`, strings.Join(w.policy, ", ")))
}

// breakSomething is bad weather, one time out of two.
func (w *weather) breakSomething() {
	w.t.Helper()
	n := w.c.Node(w.pick("node1", "node2"))
	switch w.random.IntN(10) {
	case 0:
		w.tell("the server is restarted")
		w.c.RestartServer()
	case 1:
		w.tell("the server crashes")
		w.c.KillServer()
		w.c.StartServer()
	case 2:
		w.tell("the agent of %s is killed", n.Name())
		n.KillAgent()
		n.StartAgent(cluster.AgentOptions{})
	case 3, 4:
		if !w.cut[n.Name()] {
			w.tell("%s is cut off", n.Name())
			w.c.CutOff(n)
			w.cut[n.Name()] = true
		}
	}
}

// clear ends the bad weather.
func (w *weather) clear() {
	w.t.Helper()
	w.tell("the weather clears up")
	for name := range w.cut {
		w.c.Reconnect(w.c.Node(name))
	}
	clear(w.cut)
	for _, n := range w.c.Nodes() {
		n.AwaitReady()
	}
}

func (w *weather) anyPod() string {
	names := slices.Sorted(maps.Keys(w.pods))
	if len(names) == 0 {
		return ""
	}
	return w.pick(names...)
}

func (w *weather) pick(from ...string) string { return from[w.random.IntN(len(from))] }

func (w *weather) kubectl(args ...string) {
	w.t.Helper()
	if _, err := w.c.Kubectl("", args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *weather) tell(format string, args ...any) {
	w.story = append(w.story, fmt.Sprintf(format, args...))
}
