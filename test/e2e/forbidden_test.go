package e2e

import (
	"testing"

	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/test/e2e/cluster"
)

// A list that is forbidden is not an empty one: the agent is not in sync and says why, it opens
// nothing that a policy it cannot read may close, and it goes on once it is permitted.
func TestAListThatIsForbidden(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Nodes: 1})
	web := cluster.PodSpec{Name: "shop/web", Node: "node1", Labels: map[string]string{"app": "web"}}
	c.AddPod(web)
	c.AddPod(cluster.PodSpec{Name: "shop/db", Node: "node1", Labels: map[string]string{"app": "db"}, Serves: []uint16{5432}})
	c.EnsureAccount("kube-system/blind")
	c.Apply(blindRole)
	n := c.Node("node1")
	n.StartAgent(cluster.AgentOptions{Account: "kube-system/blind"})
	n.AwaitReadiness("networkpolicies")
	c.CheckFlows(c.Flows("shop/web", "shop/db", netlab.TCP, 5432, false))

	c.Apply(seeingRole)
	n.AwaitReady()
	c.AwaitFlows(c.Flows("shop/web", "shop/db", netlab.TCP, 5432, true))
}

// blindRole is the agent's role without network policies.
const blindRole = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: blind}
rules:
  - {apiGroups: [""], resources: [pods, nodes, namespaces, serviceaccounts, services], verbs: [get, list, watch]}
  - {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
  - {apiGroups: [apiextensions.k8s.io], resources: [customresourcedefinitions], verbs: [list, watch]}
  - {apiGroups: [apiregistration.k8s.io], resources: [apiservices], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: blind}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: blind}
subjects: [{kind: ServiceAccount, namespace: kube-system, name: blind}]
`

// seeingRole adds what blindRole lacks.
const seeingRole = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: seeing}
rules:
  - {apiGroups: [networking.k8s.io], resources: [networkpolicies], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: seeing}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: seeing}
subjects: [{kind: ServiceAccount, namespace: kube-system, name: blind}]
`
