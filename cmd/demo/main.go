// Command demo shows the agent at work: see internal/demo. `make demo` builds and runs it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/margay-net/margay/internal/demo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	err := command().ExecuteContext(ctx)
	stop()
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "demo: broken off, and everything removed")
		os.Exit(130) // as shells say it of an interrupted command
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var o demo.Options
	root := &cobra.Command{
		Use:   "demo",
		Short: "A small dual-stack cluster in network namespaces, with a real agent on each node",
		Long: `Builds the cluster of a directory of manifests out of network namespaces, starts an agent on each
node, prints who may talk to whom, expected beside observed, and changes a policy while traffic runs.
Exits with 1 if anything is not as expected. Needs root; leaves nothing behind.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(c *cobra.Command, _ []string) error { return demo.Run(c.Context(), o) },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&o.Agent, "agent", "bin/agent", "the agent's program")
	flags.StringVar(&o.Manifests, "manifests", "examples/dual-stack", "directory with the manifests and "+demo.ExpectedFile)
	root.Flags().StringVar(&o.Encapsulation.Kind, "encap", "", "put pods' packets between nodes into this: vxlan or wireguard")
	root.Flags().StringVar(&o.Encapsulation.Mode, "mode", "", "encapsulate Always, or CrossSubnet, with a router before the last node")
	root.Flags().StringVar(&o.Backend, "backend", "", "where policy is: nftables, iptables, iptables-nft or iptables-legacy")
	root.Flags().BoolVar(&o.Keep, "keep", false, "leave nodes, pods and agents up, and say how to look round")
	root.AddCommand(&cobra.Command{
		Use:   "clean",
		Short: "Remove what an earlier demo left up",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return demo.Clean(o) },
	}, greet())
	return root
}

// greet is what the demo runs in pods that are left up.
func greet() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:    "greet",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return demo.Greet(name) },
	}
	c.Flags().StringVar(&name, "name", "", "the pod's name")
	return c
}
