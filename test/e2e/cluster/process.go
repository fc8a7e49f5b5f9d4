package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/margay-net/margay/internal/netlab"
)

// farewell is how long a process may take to end after SIGTERM.
const farewell = 15 * time.Second

// process is a program that runs inside a space, with its output in a file. It dies with the
// space, and with the test.
type process struct {
	name    string
	command *netlab.Cmd
	log     string
	ended   chan struct{} // closed when it has ended
	outcome error         // once it has
}

// startProcess starts a program in a space. Its output is added to the file log.
func startProcess(space *netlab.Space, name, log string, environment []string, program string, args ...string) (*process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	p := &process{name: name, command: space.Command(program, args...), log: log, ended: make(chan struct{})}
	p.command.Env = append(os.Environ(), environment...)
	p.command.Stdout, p.command.Stderr = output, output
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.outcome = p.command.Wait()
		close(p.ended)
	}()
	return p, nil
}

// stop asks the process to end and waits until it has. One that has ended by itself is an error.
func (p *process) stop() error {
	select {
	case <-p.ended:
		return p.death()
	default:
	}
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("%s does not end on SIGTERM", p.name), p.kill())
	}
}

// kill ends the process at once, as a crash would.
func (p *process) kill() error {
	err := p.signal(syscall.SIGKILL)
	<-p.ended
	return err
}

// signal sends a signal. A process that has ended takes none, which is no error.
func (p *process) signal(s syscall.Signal) error {
	if err := p.command.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// death is the error that says that, and how, the process has ended.
func (p *process) death() error {
	return fmt.Errorf("%s has ended: %w\n%s", p.name, p.ending(), p.tail(20))
}

// ending is how it has ended; to end without being asked is an error whatever the exit status.
func (p *process) ending() error {
	if p.outcome == nil {
		return errors.New("exit status 0")
	}
	return p.outcome
}

// tail are the last lines that the process has logged.
func (p *process) tail(lines int) string { return tailOf(p.log, lines) }

func tailOf(file string, lines int) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// await waits until ready says so, asking again and again, as processes outside this one do not
// tell; and no longer than until the process ends.
func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return p.death()
		case <-ctx.Done():
			return fmt.Errorf("%s does not become ready: %w\n%s", p.name, err, p.tail(20))
		}
	}
}
