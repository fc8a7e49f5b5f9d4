package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/margay-net/margay/internal/netlab"
)

// farewell is how long an agent that is told to end may take.
const farewell = 5 * time.Second

// shownLines is how much of each agent's log is shown when something has gone wrong.
const shownLines = 10

// agent is a process of the agent on a node.
type agent struct {
	node    *netlab.Node
	log     string // path
	process *os.Process
	started time.Time
	ended   chan struct{} // closed when the process has ended, however
	state   string        // how; valid after ended
}

// startAgent starts a program inside a node, its output in a log file. What the environment says of
// settings is left out: the demo runs on its manifests alone. The process is a session of its own, so
// that a Ctrl-C at the terminal reaches the demo only, which then ends its agents in good order.
func startAgent(node *netlab.Node, directory string, command []string) (*agent, error) {
	a := &agent{node: node, log: filepath.Join(directory, node.Name()+".log"), ended: make(chan struct{})}
	log, err := os.Create(a.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := node.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = withoutSettings(os.Environ())
	cmd.SysProcAttr.Setsid = true
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("agent on %s: %w", node.Name(), err)
	}
	a.process, a.started = cmd.Process, time.Now()
	go func() {
		defer close(a.ended)
		if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
			a.state = err.Error()
			return
		}
		a.state = cmd.ProcessState.String()
	}()
	return a, nil
}

// withoutSettings leaves out of an environment what an agent would take for settings.
func withoutSettings(environment []string) []string {
	var rest []string
	for _, e := range environment {
		if !strings.HasPrefix(strings.ToUpper(e), "FELIX_") {
			rest = append(rest, e)
		}
	}
	return rest
}

// awaitReady asks the agent's readiness until it is ready, and returns how long after its start that
// was. An agent that ends is noticed at once.
func (a *agent) awaitReady(ctx context.Context, patience time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ask := time.NewTicker(10 * time.Millisecond)
	defer ask.Stop()
	answer := "no answer"
	for {
		ready, text, err := askReadiness(ctx, a.node)
		if ready {
			return time.Since(a.started), nil
		}
		if err == nil {
			answer = text
		}
		select {
		case <-ask.C:
		case <-a.ended:
			return 0, a.failed("ended: " + a.state)
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return 0, ctx.Err()
			}
			return 0, a.failed(fmt.Sprintf("is not ready after %s; its readiness says:\n%s", patience, indent(answer)))
		}
	}
}

// failed is an error about the agent.
func (a *agent) failed(what string) error {
	return fmt.Errorf("the agent on %s %s", a.node.Name(), what)
}

// stop ends the process and waits until it has ended.
func (a *agent) stop() error {
	if err := a.process.Signal(syscall.SIGTERM); err != nil {
		<-a.ended // the only error is that it has ended before
		return nil
	}
	select {
	case <-a.ended:
		return nil
	case <-time.After(farewell):
	}
	err := a.process.Kill()
	<-a.ended
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	return errors.Join(err, a.failed(fmt.Sprintf("did not end within %s of SIGTERM, and was killed", farewell)))
}

// lastLines is the end of a text file; of one that cannot be read, why.
func lastLines(path string, n int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	return string(bytes.Join(lines[max(len(lines)-n, 0):], []byte("\n")))
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ")
}

// agentCommand is how the agent is run on a node.
func agentCommand(program, manifests, node, backend string) []string {
	return append([]string{program, "run", "--datastore", "files", "--manifests", manifests, "--node", node}, backendFlags(backend)...)
}
