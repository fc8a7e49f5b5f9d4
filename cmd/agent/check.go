package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/model"
)

func checkCommand() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "check --manifests DIR [--node NAME]",
		Short: "Look for mistakes in a directory of manifests",
		Long: `Check reads a directory of manifests as an agent would and prints what is wrong, one line each:
errors (something is not in force), warnings (in force, but perhaps not as meant), notes.
It needs no agent, no cluster and no privileges.

Exit status: 0 if there is no error, 1 if there is one.`,
		Example: `  agent check --manifests examples/dual-stack
  agent check --manifests . --node node-1    # also what shows on that node only`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return check(cmd.Context(), cmd.OutOrStdout(), f)
		},
	}
	f.registerManifests(cmd.Flags())
	return cmd
}

// check prints the problems of the manifests. What is set on this machine does not count.
func check(ctx context.Context, out io.Writer, f flags) error {
	layers := []config.Layer{config.FromFlags(map[string]string{
		"DatastoreType": string(config.Files), "FilesDirectory": f.manifests, "FelixHostname": f.node,
	})}
	o, err := readOffline(ctx, layers)
	if err != nil {
		return err
	}
	defer o.close()
	if err := o.dump(ctx, "problems", out); err != nil {
		return err
	}
	count := o.engine.Problems().Count()
	failures := count[model.Failure]
	if failures == 0 && !o.sync.InSync {
		for _, reason := range o.sync.Reasons {
			fmt.Fprintf(out, "%-7s %s\n", model.Failure, reason)
			failures++
		}
	}
	fmt.Fprintf(out, "%s: %s, %s, %s\n", counted(o.record.count(), "object"),
		counted(failures, "error"), counted(count[model.Warning], "warning"), counted(count[model.Note], "note"))
	if failures > 0 {
		return exitStatus(1)
	}
	return nil
}

// counted is "1 error", "2 errors", "no errors".
func counted(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
