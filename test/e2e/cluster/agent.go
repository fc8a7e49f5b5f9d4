package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AgentAccount is the service account that the manifests give the agents.
const AgentAccount = "kube-system/margay"

// accountDirectory is where a pod finds its token and the server's authority. Every node has a
// /run of its own.
const accountDirectory = "/run/secrets/kubernetes.io/serviceaccount"

// AgentOptions say how an agent is started. The zero value is an agent as the manifests start it.
type AgentOptions struct {
	// Account is the agent's service account, whose permissions are the caller's business. If
	// empty it is AgentAccount, with the role that deploy/base gives it.
	Account string
	// Settings are made on the command line, by name.
	Settings map[string]string
	// Environment has further variables, NAME=VALUE.
	Environment []string
	// TokenSeconds is how long the agent's first token holds; 0 is an hour.
	TokenSeconds int64
}

// StartAgent starts the agent of a node as a process in the node's namespaces, configured as its
// pod would be: by KUBERNETES_SERVICE_HOST, by the token in accountDirectory, which is bound to a
// pod on that node, and after Install by the arguments and the environment of the DaemonSet. It
// returns when the process runs; see AwaitReady.
func (n *Node) StartAgent(o AgentOptions) {
	n.c.t.Helper()
	n.PrepareAgent(o)
	n.LaunchAgent(o)
}

// PrepareAgent is the part of StartAgent that needs the server: the account, the token and the pod.
func (n *Node) PrepareAgent(o AgentOptions) {
	n.c.t.Helper()
	if o.Account == "" {
		o.Account = AgentAccount
		n.c.permitAgents()
	}
	n.WriteToken(n.c.Token(o.Account, TokenOptions{Pod: n.ensureAgentPod(o.Account), Seconds: o.TokenSeconds}))
}

// LaunchAgent is the rest of StartAgent: it starts the process.
func (n *Node) LaunchAgent(o AgentOptions) {
	n.c.t.Helper()
	program := builtProgram(n.c.t, "MARGAY_E2E_AGENT", "bin/agent")
	args, environment := n.container()
	for name, value := range o.Settings {
		args = append(args, "--set", name+"="+value)
	}
	agent, err := startProcess(n.Space, "the agent of "+n.Name(), n.logFile(), append(environment, o.Environment...), program, args...)
	n.c.must(err)
	n.agent = agent
}

// WriteToken puts a token where the agent of the node finds it, with the server's authority.
func (n *Node) WriteToken(token string) {
	n.c.t.Helper()
	authority, err := os.ReadFile(n.c.authority.path("ca.crt"))
	n.c.must(err)
	n.c.must(n.Do(func() error {
		if real, err := filepath.EvalSymlinks("/var/run"); err != nil || real != "/run" {
			return fmt.Errorf("/var/run is %s, and not the node's own (%w)", real, err)
		}
		return errors.Join(
			os.MkdirAll(accountDirectory, 0o755),
			os.WriteFile(accountDirectory+"/ca.crt", authority, 0o644),
			os.WriteFile(accountDirectory+"/token.new", []byte(token), 0o600),
			os.Rename(accountDirectory+"/token.new", accountDirectory+"/token"), // never half written
		)
	}))
}

// ensureAgentPod makes the object of the node's agent, a pod on the node's own network.
func (n *Node) ensureAgentPod(account string) (name string) {
	n.c.t.Helper()
	ctx, cancel := n.c.Context()
	defer cancel()
	namespace, accountName := split(account)
	p := &Pod{Spec: PodSpec{Name: namespace + "/agent-" + n.Name(), Node: n.Name(), Account: accountName}, c: n.c, node: n}
	object := p.object()
	object.Labels = map[string]string{"app": "margay"}
	object.Spec.HostNetwork = true
	object.Spec.Tolerations = []core.Toleration{{Operator: core.TolerationOpExists}}
	_, err := n.c.Admin.CoreV1().Pods(namespace).Create(ctx, object, meta.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		n.c.must(err)
		p.report(core.PodRunning, n.addresses())
	}
	return object.Name
}

// StopAgent ends the node's agent with SIGTERM and waits until it has ended.
func (n *Node) StopAgent() {
	n.c.t.Helper()
	n.c.must(n.running().stop())
	n.agent = nil
}

// KillAgent ends the node's agent as a crash would.
func (n *Node) KillAgent() {
	n.c.t.Helper()
	n.c.must(n.running().kill())
	n.agent = nil
}

// AgentPID is the process id of the node's agent.
func (n *Node) AgentPID() int { return n.running().command.Process.Pid }

// running is the node's agent, which must be there.
func (n *Node) running() *process {
	n.c.t.Helper()
	if n.agent == nil {
		n.c.t.Fatalf("there is no agent on %s", n.Name())
	}
	return n.agent
}

// AwaitReady waits until the node's agent says that it is ready.
func (n *Node) AwaitReady() {
	n.c.t.Helper()
	ctx, cancel := n.c.Context()
	defer cancel()
	n.c.must(n.running().await(ctx, n.Readiness))
}

// AwaitReadiness waits until the node's agent says that it is not ready, and mentions something.
func (n *Node) AwaitReadiness(mentions string) {
	n.c.t.Helper()
	ctx, cancel := n.c.Context()
	defer cancel()
	n.c.must(n.running().await(ctx, func(ctx context.Context) error {
		err := n.Readiness(ctx)
		if err == nil {
			return fmt.Errorf("it is ready, and does not mention %q", mentions)
		}
		if !strings.Contains(err.Error(), mentions) {
			return err
		}
		return nil
	}))
}

// Readiness asks the node's agent whether it is ready, as the kubelet does: nil, or what is missing.
func (n *Node) Readiness(ctx context.Context) error {
	_, err := httpGet(ctx, "http://127.0.0.1:9099/readiness", n.Dial, nil)
	return err
}

// Dump is a stage of the node's agent as text: `agent dump STAGE`.
func (n *Node) Dump(stage string, flags ...string) string {
	n.c.t.Helper()
	args := slices.Concat([]string{"dump", stage}, flags)
	out, err := n.Command(n.running().command.Path, args...).CombinedOutput()
	if err != nil {
		n.c.t.Fatalf("agent dump %s on %s: %v: %s", stage, n.Name(), err, out)
	}
	return string(out)
}

// AgentLog is all that agents of the node have logged.
func (n *Node) AgentLog() string {
	n.c.t.Helper()
	b, err := os.ReadFile(n.logFile())
	n.c.must(err)
	return string(b)
}

func (n *Node) logFile() string { return n.c.path("agent-" + n.Name() + ".log") }
