// Command agent is Margay: it keeps one Kubernetes node's network in step with the
// cluster, for IPv4 and IPv6 alike, and answers its operators' questions.
//
// This package is wiring and words: it reads the command line, makes the parts, joins
// them, and starts every goroutine that they need. What the parts do is in internal/.
// Run `agent --help` for what there is.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	// A first SIGTERM or SIGINT ends whatever runs, cleanly; a second one at once.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the agent's command line and returns its exit status.
func run(ctx context.Context, args []string, out, complaints io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(complaints)
	err := root.ExecuteContext(ctx)
	switch status := exitStatus(0); {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintf(complaints, "agent: %v\n", err)
	return 1
}

// exitStatus is the error of a command that has said all there is to say.
type exitStatus int

// Error is for the error interface; nobody reads it.
func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "agent",
		Short: "Margay, a dual-stack dataplane agent for a Kubernetes node",
		Long: `Margay keeps one node's network in step with its cluster, for IPv4 and IPv6 alike: network policy
in one nftables table (inet calico), routes to pods, and what belongs to them. It reads Calico's
resources and settings.

One agent runs on each node, as root in the node's network namespace:

  agent run          does the work, until it is told to stop
  agent dump STAGE   asks the agent on this node what it knows, wants, and has written
  agent check        looks for mistakes in a directory of manifests, without any agent
  agent clean        removes from the kernel what agents have put there
  agent version      says which agent this is`,
		Example: `  # See what is wrong in a directory of manifests, and what it comes to on node-1:
  agent check --manifests examples/dual-stack
  agent dump policy --manifests examples/dual-stack --node node-1

  # Run the agent of node-1, then look at what it has written, and whether it is well:
  agent run --datastore files --manifests examples/dual-stack --node node-1
  agent dump kernel
  curl -s localhost:9099/readiness`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(runCommand(), dumpCommand(), checkCommand(), cleanCommand(), versionCommand())
	return root
}
