package cluster

import (
	"slices"
	"strings"
	"testing"

	authentication "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestTokensAreBoundToANode(t *testing.T) {
	c := Start(t, Options{Nodes: 1})
	c.permitAgents()
	pod := c.Node("node1").ensureAgentPod(AgentAccount)
	ctx, cancel := c.Context()
	defer cancel()
	for _, bound := range []struct{ pod, node string }{{"", ""}, {pod, "node1"}} {
		client := c.As(c.Token(AgentAccount, TokenOptions{Pod: bound.pod}))
		self, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authentication.SelfSubjectReview{}, meta.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := self.Status.UserInfo.Username; got != Account(AgentAccount) {
			t.Errorf("the token is %s's", got)
		}
		if got := strings.Join(self.Status.UserInfo.Extra["authentication.kubernetes.io/node-name"], ","); got != bound.node {
			t.Errorf("a token bound to the pod %q is of the node %q, want %q", bound.pod, got, bound.node)
		}
	}
}

func TestWhatWasForbiddenShows(t *testing.T) {
	c := Start(t, Options{Nodes: 1})
	c.permitAgents()
	ctx, cancel := c.Context()
	defer cancel()
	client := c.As(c.Token(AgentAccount, TokenOptions{Pod: c.Node("node1").ensureAgentPod(AgentAccount)}))
	if _, err := client.CoreV1().Pods("").List(ctx, meta.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if forbidden := c.Forbidden(AgentAccount); len(forbidden) > 0 {
		t.Errorf("forbidden: %v", forbidden)
	}
	if _, err := client.CoreV1().Secrets("shop").Get(ctx, "till", meta.GetOptions{}); !apierrors.IsForbidden(err) {
		t.Fatalf("secrets: %v", err)
	}
	forbidden := c.Forbidden(AgentAccount)
	if len(forbidden) != 1 || forbidden[0].String() != "403 get secrets shop/till /api/v1/namespaces/shop/secrets/till by "+Account(AgentAccount) || forbidden[0].Node != "node1" {
		t.Errorf("forbidden: %v", forbidden)
	}
	if calls := c.CallsSince(AgentAccount, forbidden[0].At); len(calls) > 0 {
		t.Errorf("calls since: %v", calls)
	}
	watch, err := client.CoreV1().Pods("").Watch(ctx, meta.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	watches := func() []Call {
		return slices.DeleteFunc(c.Calls(AgentAccount), func(c Call) bool { return c.Verb != "watch" })
	}
	if open := watches(); len(open) != 1 || open[0].Status != 0 || open[0].Resource != "pods" {
		t.Errorf("watches: %v", open)
	}
}

// The kubelet's identity may do what a kubelet may, and no more.
func TestKubeletsAreConfinedToTheirNode(t *testing.T) {
	c := Start(t, Options{Nodes: 2})
	c.AddPod(PodSpec{Name: "shop/web", Node: "node1"})
	ctx, cancel := c.Context()
	defer cancel()
	patch := []byte(`{"status":{"phase":"Failed"}}`)
	_, err := c.Node("node2").Kubelet.CoreV1().Pods("shop").Patch(ctx, "web", types.MergePatchType, patch, meta.PatchOptions{}, "status")
	if !apierrors.IsForbidden(err) {
		t.Errorf("another node's kubelet reports: %v", err)
	}
}

func TestKubectl(t *testing.T) {
	c := Start(t, Options{})
	c.Apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
	out, err := c.Kubectl("", "get", "namespace", "shop", "-o", "jsonpath={.metadata.name}")
	if out != "shop" || err != nil {
		t.Errorf("kubectl get: %q, %v", out, err)
	}
	_, err = c.Kubectl("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, label: {}}\n", "apply", "--validate=strict", "-f", "-")
	if err == nil || !strings.Contains(err.Error(), `unknown field "metadata.label"`) {
		t.Errorf("a wrong field is applied: %v", err)
	}
	if out, err := c.Kubectl("", "version"); err != nil || !strings.Contains(out, "Server Version: v1.36.3") {
		t.Errorf("%s%v", out, err)
	}
}
