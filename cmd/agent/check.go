package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/engine"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/selector"
)

func checkCommand() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "check --manifests DIR [--node NAME]",
		Short: "Look for mistakes in a directory of manifests",
		Long: `Check reads a directory of manifests as an agent would and prints what is wrong, one line each:
errors (something is not in force), warnings (in force, but perhaps not as meant), notes.
It needs no agent, no cluster and no privileges, and what is set on this machine does not count.

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

func check(ctx context.Context, out io.Writer, f flags) error {
	l, err := newLocal([]config.Layer{config.FromFlags(map[string]string{
		"DatastoreType": string(config.Files), "FilesDirectory": f.manifests, "FelixHostname": f.node,
	})})
	if err != nil {
		return err
	}
	o, err := readOffline(ctx, l)
	if err != nil {
		return err
	}
	defer o.close()
	o.checkConfigurations()
	count := o.engine.Problems().Count()
	if !o.sync.InSync && count[model.Failure] == 0 {
		// What keeps an agent from being in sync is a problem of a file too, but not always.
		var problems []model.Problem
		for _, reason := range o.sync.Reasons {
			problems = append(problems, model.Problem{Severity: model.Failure, Object: "manifests", Message: reason})
		}
		o.engine.Problems().Set("", problems)
		count = o.engine.Problems().Count()
	}
	if err := o.dump(ctx, "problems", out); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %s, %s, %s\n", counted(len(o.record.all()), "object"),
		counted(count[model.Failure], "error"), counted(count[model.Warning], "warning"), counted(count[model.Note], "note"))
	if count[model.Failure] > 0 {
		return exitStatus(1)
	}
	return nil
}

// checkConfigurations looks for mistakes in all FelixConfigurations: each is read as a
// node would that it is meant for.
func (o *offline) checkConfigurations() {
	var problems []model.Problem
	for _, e := range o.record.all() {
		c, ok := e.Value.(*model.Configuration)
		if !ok {
			continue
		}
		meant := func(text string) (bool, error) {
			_, err := selector.Parse(text)
			return err == nil, err
		}
		one := []config.FelixConfiguration{{Name: e.Key.Name, Spec: c.Spec}}
		layers := config.FromDatastore(one, strings.TrimPrefix(e.Key.Name, "node."), meant)
		problems = append(problems, engine.SettingProblems(o.table.Resolve(layers, nil))...)
	}
	o.engine.Problems().Set(engine.SettingsPlace, problems)
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
