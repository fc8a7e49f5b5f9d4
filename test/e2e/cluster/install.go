package cluster

import (
	"fmt"
	"slices"
	"strings"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Install applies an overlay of deploy/overlays as a user does, and waits until the server serves
// the kinds that it defines. Nobody makes pods of the DaemonSet; agents that are started from then
// on have its arguments and environment.
func (c *Cluster) Install(overlay string) {
	c.t.Helper()
	c.kubectl("apply", "--validate=strict", "-k", "deploy/overlays/"+overlay)
	c.awaitDefinitions()
	ctx, cancel := c.Context()
	defer cancel()
	namespace, name := split(AgentAccount)
	set, err := c.Admin.AppsV1().DaemonSets(namespace).Get(ctx, name, meta.GetOptions{})
	c.must(err)
	c.daemonSet, c.permitted = set, true
}

// InstallDefinitions applies deploy/crds, and waits until the server serves the kinds.
func (c *Cluster) InstallDefinitions() {
	c.t.Helper()
	c.kubectl("apply", "--validate=strict", "-k", "deploy/crds")
	c.awaitDefinitions()
}

func (c *Cluster) awaitDefinitions() {
	c.t.Helper()
	c.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
}

// permitAgents makes AgentAccount with its role, and nothing else of what Install applies.
func (c *Cluster) permitAgents() {
	c.t.Helper()
	if !c.permitted {
		c.kubectl("apply", "--validate=strict", "-f", "deploy/base/service-account.yaml", "-f", "deploy/base/role.yaml")
		c.permitted = true
	}
}

// kubectl is Kubectl where an error ends the test.
func (c *Cluster) kubectl(args ...string) {
	c.t.Helper()
	_, err := c.Kubectl("", args...)
	c.must(err)
}

// notHere are the variables of the DaemonSet that stand for what only a container has.
var notHere = []string{
	"FELIX_SYSCTLDIRECTORY", // a volume: a node's namespaces show /proc/sys as it is
	"FELIX_FELIXHOSTNAME",   // from the pod's own fields
	"GOMEMLIMIT",            // likewise
}

// container are the arguments and the environment of the node's agent.
func (n *Node) container() (args, environment []string) {
	environment = []string{
		"KUBERNETES_SERVICE_HOST=" + n.c.ServerAddress().String(),
		fmt.Sprintf("KUBERNETES_SERVICE_PORT=%d", serverPort),
		"FELIX_FELIXHOSTNAME=" + n.Name(),
	}
	if n.c.daemonSet == nil {
		return []string{"run", "--datastore", "kubernetes"}, environment
	}
	container := agentContainer(n.c.daemonSet)
	for _, v := range container.Env {
		if !slices.Contains(notHere, v.Name) {
			environment = append(environment, v.Name+"="+v.Value)
		}
	}
	if limit := container.Resources.Limits.Memory().Value(); limit > 0 {
		environment = append(environment, fmt.Sprintf("GOMEMLIMIT=%d", limit))
	}
	return slices.Clone(container.Args), environment
}

// agentContainer is the DaemonSet's container with the agent.
func agentContainer(set *apps.DaemonSet) core.Container {
	containers := set.Spec.Template.Spec.Containers
	i := slices.IndexFunc(containers, func(c core.Container) bool { return strings.Contains(c.Name, "agent") })
	return containers[max(i, 0)]
}
