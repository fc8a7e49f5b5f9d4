package e2e

import (
	"strings"
	"testing"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// A server whose certificate has run out is as good as away.
func TestTheServersCertificateRunsOut(t *testing.T) {
	c := guarded(t)
	n := c.Node("node1")
	c.StopServer()
	c.NewServerCertificate(time.Now().Add(-time.Minute))
	c.LaunchServer()
	awaitDump(t, n, "health", "certificate has expired")
	c.CheckFlows(guardedFlows(c))
	n.AwaitReady()
	c.KillServer()
	c.NewServerCertificate(time.Time{})
	c.StartServer()
	awaitDump(t, n, "health", "!APIServerLost")
	if _, err := c.Kubectl("", "delete", "networkpolicy", "-n", "shop", "db"); err != nil {
		t.Fatal(err)
	}
	c.AwaitFlows(c.Flows("else/guest", "shop/db", netlab.TCP, 5432, true))
}

// A role that lacks a kind keeps the agent from being ready, names the kind, and takes nothing
// away; as soon as the role has it, all is well.
func TestAKindIsForbiddenForAWhile(t *testing.T) {
	c := guarded(t)
	n := c.Node("node1")
	role, err := c.Admin.RbacV1().ClusterRoles().Get(t.Context(), "margay", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	less := role.DeepCopy()
	for i := range less.Rules {
		if len(less.Rules[i].APIGroups) > 0 && less.Rules[i].APIGroups[0] == "networking.k8s.io" {
			less.Rules[i].Resources = []string{"ingresses"}
		}
	}
	if _, err := c.Admin.RbacV1().ClusterRoles().Update(t.Context(), less, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.RestartServer() // which ends the stream that was allowed
	awaitDump(t, n, "health", "networkpolicies.networking.k8s.io")
	c.CheckFlows(guardedFlows(c))
	if _, err := c.Kubectl("", "get", "--raw", "/readyz"); err != nil {
		t.Fatal(err)
	}
	now, err := c.Admin.RbacV1().ClusterRoles().Get(t.Context(), "margay", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	now.Rules = role.Rules
	if _, err := c.Admin.RbacV1().ClusterRoles().Update(t.Context(), now, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitDump(t, n, "health", "!networkpolicies.networking.k8s.io")
	n.AwaitReady()
	c.CheckFlows(guardedFlows(c))
}

// What is wrong with an object is said on the object.
func TestWhatIsWrongIsSaidOnTheObject(t *testing.T) {
	c := guarded(t)
	c.InstallDefinitions()
	c.Apply(`
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: doubtful}
spec: {selector: all(), types: [Ingress], ingress: [{action: Deny, protocol: IPv6}]}
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: good}
spec: {cidr: 10.99.0.0/16}
---
apiVersion: v1
kind: Pod
metadata: {namespace: shop, name: liar, annotations: {cni.projectcalico.org/podIPs: 203.0.113.9/32}}
spec: {nodeName: node1, containers: [{name: c, image: i}]}
`)
	for object, text := range map[string]string{
		"GlobalNetworkPolicy doubtful": "IPv6", "Pod liar": "203.0.113.9",
	} {
		kind, name, _ := strings.Cut(object, " ")
		await(t, func() (bool, string) {
			events, err := c.Admin.EventsV1().Events("").List(t.Context(), meta.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events.Items {
				if e.Regarding.Kind == kind && e.Regarding.Name == name && strings.Contains(e.Note, text) {
					return true, ""
				}
			}
			return false, "no Event on " + object
		})
	}
	await(t, func() (bool, string) {
		out, err := c.Kubectl("", "get", "ippool", "good", "-o", "jsonpath={.status.conditions[0].type}={.status.conditions[0].status}")
		return err == nil && out == "Accepted=True", "the pool is not accepted: " + out
	})
}

// A token that is taken away costs nothing as long as the kubelet has put a new one in its place.
func TestTokensAreReplaced(t *testing.T) {
	c := guarded(t)
	n := c.Node("node1")
	n.WriteToken(c.Token(cluster.AgentAccount, cluster.TokenOptions{}))
	if _, err := c.Kubectl("", "delete", "pod", "-n", "kube-system", "-l", "app=margay", "--force", "--grace-period=0"); err != nil {
		t.Fatal(err) // the first token was bound to it
	}
	c.KillServer()
	c.StartServer()
	if _, err := c.Kubectl("", "delete", "networkpolicy", "-n", "shop", "db"); err != nil {
		t.Fatal(err)
	}
	awaitDump(t, n, "model", "!KubernetesNetworkPolicy/shop/db")
	awaitDump(t, n, "health", "!Unauthorized")
	c.AwaitFlows(c.Flows("else/guest", "shop/db", netlab.TCP, 5432, true))
	n.AwaitReady()
}
