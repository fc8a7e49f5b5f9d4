package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/margay-net/margay/internal/clean"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/dataplane"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/vxlan"
)

func cleanCommand() *cobra.Command {
	var f flags
	var force, dry bool
	cmd := &cobra.Command{
		Use:   "clean",
		Short: "Remove all that agents have put into this node's kernel",
		Long: `Clean is for a node that Margay leaves. It removes, in the network namespace that it is started in:
tunnel devices, routing rules, routes of protocol 80, iptables chains and IP sets, and last the
nftables table. After that, no policy is enforced, and pods are reached only by what the CNI plugin
has set up. It needs root (CAP_NET_ADMIN).

It refuses while an agent runs here, which would only put everything back. Whatever is gone already
is no error: it can be run twice.

Removing the DaemonSet alone leaves all this in place: allowed traffic goes on, and traffic of pods
that come later is dropped.`,
		Example: `  agent clean --dry-run     # what would go
  agent clean`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := f.settings(os.Environ())
			if err != nil {
				return err
			}
			if !force && !dry {
				claim, err := dataplane.Claim()
				if err != nil {
					return fmt.Errorf("%w; stop it first, or use --force", err)
				}
				defer claim.Close()
			}
			return cleanUp(cmd.OutOrStdout(), settings, dry)
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().BoolVar(&force, "force", false, "even while an agent runs here")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what there is")
	return cmd
}

// settings are those made locally, whatever the datastore.
func (f *flags) settings(environ []string) (*config.Settings, error) {
	layers, err := f.layers(environ)
	if err != nil {
		return nil, err
	}
	return &config.NewTable().Resolve(layers, nil).Settings, nil
}

// cleanUp removes what an agent with these settings has made, and says so.
func cleanUp(out io.Writer, s *config.Settings, dry bool) error {
	o := clean.Options{RulePriority: s.Wireguard.RulePriority, Dry: dry}
	for _, f := range family.All() {
		o.Devices = append(o.Devices,
			clean.Device{Name: vxlan.DeviceName(f), Kind: "vxlan"},
			clean.Device{Name: s.Wireguard.Interface.Get(f), Kind: "wireguard"},
			clean.Device{Name: s.Wireguard.Interface.Get(f), Kind: "tun"}) // in user space
	}
	verb := "removed"
	if dry {
		verb = "found"
	}
	removed, err := clean.Run(o)
	for _, what := range removed {
		fmt.Fprintf(out, "%s: %s\n", verb, what)
	}
	if len(removed) == 0 && err == nil {
		fmt.Fprintln(out, "there is nothing of ours here")
	}
	return err
}
