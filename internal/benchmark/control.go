package main

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/workload"
)

// request is what the harness asks of an agent under test.
type request struct {
	Op operation
	// Size is the cluster's, for opStart.
	Size workload.Size
	// Change and Index say which events opPrepare makes; Undo, that they are those that
	// take the change back.
	Change string
	Index  int
	Undo   bool
	// PerSecond is how many events opChurn feeds in a second.
	PerSecond int
	// Text is the stage of opDump, or the file of opProfile; empty ends the profile.
	Text string
}

type operation uint8

const (
	opStart   operation = iota + 1 // make the agent, and the events of the cluster
	opPrepare                      // make the events of a change
	opFeed                         // feed the events that were made, all at once
	opSync                         // feed them, and say that they are everything
	opChurn                        // feed them one by one, at a pace
	opDump                         // print a stage of the dataplane
	opProfile                      // begin a CPU profile, or end it
)

// reply is the answer to any request.
type reply struct {
	Error string
	// At is when the first event was fed, on the shared clock.
	At instant
	// Pods are the pods among the events fed, by their addresses' bytes, and when each was.
	Pods []fedPod
	// Text is the stage dumped.
	Text string
}

// fedPod is one pod that was fed.
type fedPod struct {
	Addresses []string
	At        instant
}

// roleAgent and the other roles are what this program is told to be as its first argument.
const (
	roleAgent  = "agent-under-test"
	roleMemory = "memory-under-test"
	roleYAML   = "yaml-under-test"
	roleServer = "tcp-server"
	roleClient = "tcp-client"
)

// process is this program in another role.
type process struct {
	cmd   *exec.Cmd
	start func() error
	in    io.WriteCloser
	out   io.ReadCloser
}

// startRole starts this program in a role inside a space, with pipes to and from it.
func startRole(s *netlab.Space, role string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := s.Command(self, append([]string{role}, args...)...)
	return startWith(&process{cmd: c.Cmd, start: c.Start})
}

// startHere starts this program in a role where it itself is.
func startHere(role string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.Command(self, append([]string{role}, args...)...)
	return startWith(&process{cmd: c, start: c.Start})
}

func startWith(p *process) (_ *process, err error) {
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := p.start(); err != nil {
		return nil, fmt.Errorf("start %v: %w", p.cmd.Args[1:], err)
	}
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the process at once, and leaves the kernel as it is.
func (p *process) stop() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	_ = p.cmd.Wait()         // a killed process has no better status
}

// agentProcess is an agent under test, as the harness sees it.
type agentProcess struct {
	*process
	requests *gob.Encoder
	replies  *gob.Decoder
}

// startAgent starts an agent in a node and has it make the cluster's events.
func startAgent(s *netlab.Space, size workload.Size) (*agentProcess, error) {
	p, err := startRole(s, roleAgent)
	if err != nil {
		return nil, err
	}
	a := &agentProcess{process: p, requests: gob.NewEncoder(p.in), replies: gob.NewDecoder(p.out)}
	if _, err := a.ask(request{Op: opStart, Size: size}); err != nil {
		a.stop()
		return nil, err
	}
	return a, nil
}

func (a *agentProcess) ask(q request) (reply, error) {
	var r reply
	if err := a.requests.Encode(q); err != nil {
		return r, fmt.Errorf("ask the agent under test: %w", err)
	}
	if err := a.replies.Decode(&r); err != nil {
		return r, fmt.Errorf("answer of the agent under test: %w", err)
	}
	if r.Error != "" {
		return r, errors.New("agent under test: " + r.Error)
	}
	return r, nil
}
