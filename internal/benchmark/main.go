package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/workload"
)

func main() {
	if ok, err := playRole(os.Args[1:]); ok {
		if err != nil {
			fmt.Fprintln(os.Stderr, "benchmark:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(netlab.Main(command{args: os.Args[1:]}))
}

// playRole plays the part that the first argument names; false if it names none.
func playRole(args []string) (bool, error) {
	if len(args) == 0 {
		return false, nil
	}
	switch args[0] {
	case roleAgent:
		return true, serveAgent(os.Stdin, os.Stdout)
	case roleMemory:
		return true, serveMemory(os.Stdin, os.Stdout)
	case roleYAML:
		return true, readYAML(args[1:], os.Stdout)
	case roleServer:
		return true, servePackets(args[1:])
	case roleClient:
		return true, sendPackets(args[1:], os.Stdout)
	}
	return false, nil
}

// command is the command line, to be run in namespaces of its own.
type command struct{ args []string }

// Run runs it and returns its exit status.
func (c command) Run() int {
	if err := c.run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchmark:", err)
		return 1
	}
	return 0
}

// bench is how the cases are to be run.
type bench struct {
	report  *report
	quick   bool
	only    string
	profile string
	daemon  string
	core    int
}

// measurement is a case.
type measurement struct {
	name    string
	what    string
	measure func(*bench, preset) error
	// once is for cases that know no sizes.
	once bool
}

func measurements() []measurement {
	return []measurement{
		{"cold", "the whole cluster, its repair after a flush, and doing nothing", measureCold, false},
		{"changes", "single changes, each with its way back", measureChanges, false},
		{"churn", "1,000 remote pods a second", measureChurn, false},
		{"memory", "the memory of an agent that is fed through a pipe", measureMemory, false},
		{"yaml", "the reader of manifests", measureYAML, false},
		{"daemon", "the daemon as it is installed, with everything that it has", measureDaemon, false},
		{"packets", "what policy costs the packets of two local pods", measurePackets, true},
	}
}

func (c command) run(out io.Writer) error {
	flags := flag.NewFlagSet("benchmark", flag.ContinueOnError)
	sizes := flags.String("size", "medium,large", "sizes of cluster: small, medium, large")
	lines := flags.String("lines", "", "file for a line per trial, as benchstat reads them")
	b := &bench{}
	flags.BoolVar(&b.quick, "quick", false, "one trial of each: to see whether all of it works")
	flags.StringVar(&b.only, "change", "", "the one kind of change to make, in the case changes: pod, member, all-local, all-pods")
	flags.StringVar(&b.profile, "profile", "", "directory for CPU profiles of the agent")
	manifests := flags.String("manifests", "", "empty directory to write the first size's cluster to as YAML, and measure nothing")
	flags.StringVar(&b.daemon, "agent", "bin/agent", "the daemon that the case daemon runs")
	flags.IntVar(&b.core, "core", 0, "the core that the packets' client and server run on")
	flags.Usage = func() { usage(flags) }
	if err := flags.Parse(c.args); err != nil {
		return err
	}
	if *manifests != "" {
		return writeFirst(*manifests, strings.Split(*sizes, ",")[0])
	}
	b.report = &report{out: out}
	if *lines != "" {
		f, err := os.Create(*lines)
		if err != nil {
			return err
		}
		defer f.Close()
		b.report.lines = f
	}
	return b.runAll(flags.Args(), strings.Split(*sizes, ","))
}

// writeFirst writes the cluster of a size, for people who want to see it or to run the
// whole daemon on it.
func writeFirst(dir, size string) error {
	i := slices.IndexFunc(presets(), func(p preset) bool { return p.name == size })
	if i < 0 {
		return fmt.Errorf("there is no size %q", size)
	}
	_, _, err := writeManifests(dir, workload.New(presets()[i].size))
	return err
}

func usage(flags *flag.FlagSet) {
	fmt.Fprint(flags.Output(), "benchmark [flags] [case...]: all cases, if none is named\n\nCases:\n")
	for _, m := range measurements() {
		fmt.Fprintf(flags.Output(), "  %-9s %s\n", m.name, m.what)
	}
	fmt.Fprintln(flags.Output(), "\nFlags:")
	flags.PrintDefaults()
}

// runAll runs the cases named, for each size named.
func (b *bench) runAll(names, sizes []string) error {
	for _, m := range measurements() {
		if len(names) > 0 && !slices.Contains(names, m.name) {
			continue
		}
		b.report.heading(m.what)
		for _, p := range presets() {
			if m.once {
				p = preset{}
			} else if !slices.Contains(sizes, p.name) {
				continue
			}
			if err := m.measure(b, p); err != nil {
				return err
			}
			if m.once {
				break
			}
		}
	}
	return nil
}
