package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// stage is something that can be dumped.
type stage struct {
	name, help string
	// offline says that it can be computed from manifests alone.
	offline bool
}

func stages() []stage {
	return []stage{
		{"model", "what the source has told: the cluster's objects, one line each", true},
		{"policy", "what the calculation graph makes of it for this node: sets, policies, endpoints, routes", true},
		{"desired", "what the kernel ought to hold", false},
		{"kernel", "what the kernel holds of ours, as far as the agent knows", false},
		{"settings", "every setting, its value, and where that comes from", true},
		{"problems", "what is wrong with the input, one line each", true},
		{"status", "what in the kernel is not in order, and why", false},
		{"health", "what /readiness and /liveness are based on", false},
	}
}

// stageNames are the names of the stages, all or those that need no agent.
func stageNames(offlineOnly bool) []string {
	var names []string
	for _, s := range stages() {
		if s.offline || !offlineOnly {
			names = append(names, s.name)
		}
	}
	return names
}

func dumpCommand() *cobra.Command {
	var f flags
	var socket string
	cmd := &cobra.Command{
		Use:   "dump STAGE",
		Short: "Print what the agent on this node knows, wants, and has written",
		Long: `Dump prints one stage of the way from the cluster's objects to the kernel, as text:

` + stageHelp() + `
It asks the agent that runs on this node, by its socket. With --manifests it asks nobody and
computes the stage as an agent of the node --node would (` + strings.Join(stageNames(true), ", ") + `).`,
		Example: `  agent dump status
  agent dump kernel | grep fd00:10:65:1::10
  agent dump policy --manifests examples/dual-stack --node node-1
  diff <(agent dump desired) <(agent dump kernel)`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: stageNames(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.manifests != "" {
				return dumpOffline(cmd.Context(), cmd.OutOrStdout(), args[0], f)
			}
			return askAgent(cmd.Context(), socket, args[0], cmd.OutOrStdout())
		},
	}
	f.register(cmd.Flags())
	registerSocket(cmd.Flags(), &socket)
	return cmd
}

func stageHelp() string {
	var out strings.Builder
	for _, s := range stages() {
		fmt.Fprintf(&out, "  %-9s %s\n", s.name, s.help)
	}
	return out.String()
}

func dumpOffline(ctx context.Context, out io.Writer, stage string, f flags) error {
	if !slices.Contains(stageNames(true), stage) {
		return fmt.Errorf("dump %s: takes a running agent; from manifests there are %s", stage, strings.Join(stageNames(true), ", "))
	}
	l, err := f.local(os.Environ())
	if err != nil {
		return err
	}
	o, err := readOffline(ctx, l)
	if err != nil {
		return err
	}
	defer o.close()
	return o.dump(ctx, stage, out)
}
