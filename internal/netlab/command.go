package netlab

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"syscall"
)

// Cmd is an exec.Cmd whose process starts inside a space. Only the methods below start it there.
type Cmd struct {
	*exec.Cmd
	space *Space
}

// Command prepares a process inside the space. It is killed when the space is closed, and by
// the kernel when this process ends, unless the lab was made with Options.Keep.
func (s *Space) Command(name string, args ...string) *Cmd {
	return s.CommandContext(context.Background(), name, args...)
}

// CommandContext is Command with a context whose end kills the process.
func (s *Space) CommandContext(ctx context.Context, name string, args ...string) *Cmd {
	c := &Cmd{Cmd: exec.CommandContext(ctx, name, args...), space: s}
	c.SysProcAttr = &syscall.SysProcAttr{}
	if !s.keep {
		// The parent is the space's own thread: it lives exactly as long as the space.
		c.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	return c
}

// Start starts the process inside the space.
func (c *Cmd) Start() error { return c.space.inside(c.Cmd.Start) }

// Run starts the process inside the space and waits for its end.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the process and returns its standard output.
func (c *Cmd) Output() ([]byte, error) {
	var out, complaint bytes.Buffer
	c.Stdout = &out
	if c.Stderr == nil {
		c.Stderr = &complaint
	}
	err := c.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		exit.Stderr = complaint.Bytes()
	}
	return out.Bytes(), err
}

// CombinedOutput runs the process and returns its standard output and error together.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	return out.Bytes(), err
}
