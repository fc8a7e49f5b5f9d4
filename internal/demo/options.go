package demo

import (
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Options say what to demonstrate. The zero value is what `make demo` does in a checkout.
type Options struct {
	// Agent is the agent's program; default bin/agent.
	Agent string
	// Manifests is the directory with the manifests and the expected table; default examples/dual-stack.
	Manifests string
	// Encapsulation is what the pods' packets are to be put into between nodes.
	Encapsulation Encapsulation
	// Backend is where policy is: "nftables", "iptables", "iptables-nft", "iptables-legacy", or
	// empty for what the agent chooses.
	Backend string
	// Directory is where the demo keeps its copy of the manifests and the agents' logs, removed and made
	// anew; default /run/margay-demo.
	Directory string
	// Keep leaves nodes, pods and agents up when the demo has come to its end, whether well or not.
	Keep bool
	// Patience is how long agents may take to become ready; default 30 s.
	Patience time.Duration
	// Out is where the demo shows what it does; default standard output.
	Out io.Writer
}

// complete fills in the defaults and makes paths absolute.
func (o Options) complete() (Options, error) {
	if os.Geteuid() != 0 {
		return o, errors.New("the demo makes network namespaces: run it as root")
	}
	o.Directory = cmp.Or(o.Directory, "/run/margay-demo")
	o.Patience = cmp.Or(o.Patience, 30*time.Second)
	if o.Out == nil {
		o.Out = os.Stdout
	}
	var err error
	if o.Encapsulation, err = o.Encapsulation.complete(); err != nil {
		return o, err
	}
	if err = knownBackend(o.Backend); err != nil {
		return o, err
	}
	if o.Manifests, err = filepath.Abs(cmp.Or(o.Manifests, "examples/dual-stack")); err != nil {
		return o, err
	}
	if o.Agent, err = filepath.Abs(cmp.Or(o.Agent, "bin/agent")); err != nil {
		return o, err
	}
	// The kernel shows the programs of processes without symbolic links in the way. To clean up, it
	// need not be there any more.
	if real, err := filepath.EvalSymlinks(o.Agent); err == nil {
		o.Agent = real
	}
	return o, nil
}

// manifests is the directory that the agents read.
func (o Options) manifests() string { return filepath.Join(o.Directory, "manifests") }
