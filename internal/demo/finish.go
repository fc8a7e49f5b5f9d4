package demo

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/margay-net/margay/internal/family"
)

// finish ends the demo: it leaves everything up if it is to be kept and was not broken off, and else
// removes it. After a failure the agents' logs stay, and their ends are shown.
func (d *demo) finish(failed error, brokenOff bool) error {
	for _, s := range d.servers {
		s.Close()
	}
	if failed != nil && !brokenOff {
		d.showLogs()
	}
	if d.Keep && !brokenOff && d.lab != nil {
		return d.leaveUp()
	}
	ended := d.stopAgents()
	if d.lab != nil {
		ended = errors.Join(ended, d.lab.Close())
	}
	if brokenOff || failed == nil && ended == nil {
		return errors.Join(ended, d.clean())
	}
	return errors.Join(ended, os.RemoveAll(d.manifests()))
}

// stopAgents ends all agents at once.
func (d *demo) stopAgents() error {
	errs := make([]error, len(d.agents))
	var stopping sync.WaitGroup
	for i, a := range d.agents {
		stopping.Go(func() { errs[i] = a.stop() })
	}
	stopping.Wait()
	return errors.Join(errs...)
}

// showLogs prints the last lines of every agent's log.
func (d *demo) showLogs() {
	for _, a := range d.agents {
		fmt.Fprintf(d.console, "Last lines of %s:\n%s\n", a.log, indent(lastLines(a.log, shownLines)))
	}
}

// leaveUp leaves nodes, pods and agents as they are, lets the pods go on answering without the demo, and
// says how to look round.
func (d *demo) leaveUp() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, n := range d.cluster {
		for _, p := range n.Pods {
			greeter := d.lab.Pod(p.Name).Command(self, "greet", "--name", p.Name)
			greeter.SysProcAttr.Setsid = true
			if err := greeter.Start(); err != nil {
				return fmt.Errorf("pod %s: %w", p.Name, err)
			}
		}
	}
	fmt.Fprint(d.console, d.directions())
	return d.lab.Close()
}

// directions say how to look round among what was left up.
func (d *demo) directions() string {
	node, sender := prefix+d.cluster[0].Name, prefix+strings.ReplaceAll(steadySender, "/", "-")
	url := func(f family.Family) string {
		return fmt.Sprintf("'http://%s/'", netip.AddrPortFrom(d.lab.Pod(receiver).Address(f), Port))
	}
	lines := []string{
		"Nodes, pods and agents are still up. To look round, for example:",
		"",
		"  ip netns                  # what there is",
		"  ip netns exec " + node + " " + listingOf(d.Backend),
		"  ip netns exec " + node + " ip route        # and ip -6 route",
		"  ip netns exec " + node + " curl -s http://localhost:9099/readiness",
		"  ip netns exec " + node + " curl -s http://localhost:9091/metrics",
		"  ip netns exec " + sender + " curl -s -m 1 " + url(family.V4),
		"  ip netns exec " + sender + " curl -s -m 1 " + url(family.V6),
		"",
		"The agents' own view, on " + d.cluster[0].Name + ", where a node is a mount namespace too:",
		"",
		fmt.Sprintf("  nsenter -n -m -t %d %s dump status    # or model, policy, desired, kernel", d.agents[0].process.Pid, d.Agent),
		"",
		"They read " + d.manifests() + ": change what you like.",
		"Their logs are " + filepath.Join(d.Directory, "*.log") + ".",
		"To remove everything: make demo-clean",
		"",
	}
	return strings.Join(lines, "\n")
}

// Greet answers HTTP on the port of the demo's pods, in both families, with a pod's name and the
// address that the question came from. It is what runs in pods that are left up.
func Greet(name string) error {
	return http.ListenAndServe(fmt.Sprintf(":%d", Port), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "This is %s; you are %s.\n", name, r.RemoteAddr)
	}))
}
