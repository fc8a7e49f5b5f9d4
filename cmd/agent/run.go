package main

import (
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/margay-net/margay/internal/tuning"
)

func runCommand() *cobra.Command {
	var f flags
	var socket string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Keep this node's network in step with the cluster",
		Long: `Run does the agent's work until SIGTERM or SIGINT, and then leaves the kernel as it is: established
and allowed traffic goes on, traffic of pods that come later is dropped until an agent runs again.

It needs root (CAP_NET_ADMIN) and works on the network namespace that it is started in.

Settings come from, in this order: flags, FELIX_… environment variables, the settings file, and the
FelixConfigurations of the cluster. Their names are Felix's; docs/configuration.md lists them all,
"agent dump settings" says which hold and why. All but those about the datastore take effect while
the agent runs. A wrong value never stops it: see "agent dump problems".

What to look at:
  http://localhost:9099/readiness    whether the node is served, per family and part
  http://localhost:9091/metrics      for Prometheus
  agent dump STAGE                   every stage from the cluster's objects to the kernel`,
		Example: `  # In a pod, the API server is that of the pod's service account; elsewhere:
  agent run --kubeconfig /etc/margay/kubeconfig --node node-1

  agent run --datastore files --manifests /etc/margay/manifests --node node-1

  # The same by environment:
  FELIX_DATASTORETYPE=files FELIX_FILESDIRECTORY=/etc/margay/manifests FELIX_FELIXHOSTNAME=node-1 agent run

  # IPv6 only, with another port for metrics:
  agent run --manifests manifests --set Ipv4Support=false --set PrometheusMetricsPort=9191`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := f.local(os.Environ())
			if err != nil {
				return err
			}
			d, err := newDaemon(l, daemonOptions{socket: socket, out: cmd.ErrOrStderr(), lookupEnv: os.LookupEnv})
			if err != nil {
				return err
			}
			defer runtime.KeepAlive(tuning.Reserve())
			return d.run(cmd.Context())
		},
	}
	f.register(cmd.Flags())
	registerSocket(cmd.Flags(), &socket)
	return cmd
}
