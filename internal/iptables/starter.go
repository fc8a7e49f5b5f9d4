package iptables

import (
	"os/exec"
	"sync"
)

// Starter lets several goroutines run programs, all of which one other goroutine starts: a
// program has the namespaces of the thread that starts it, and that of the agent's loop may
// have its own.
type Starter struct{ requests chan request }

type request struct {
	*exec.Cmd
	started chan error
}

// NewStarter makes a Starter.
func NewStarter() *Starter { return &Starter{requests: make(chan request)} }

// Start has a program started. It is for Programs of what Together runs, and of nothing else.
func (s *Starter) Start(c *exec.Cmd) error {
	r := request{c, make(chan error)}
	s.requests <- r
	return <-r.started
}

// Together runs the functions at the same time, and returns when all have ended. Meanwhile the
// calling goroutine starts their programs.
func (s *Starter) Together(functions ...func()) {
	ended := make(chan struct{})
	var group sync.WaitGroup
	for _, f := range functions {
		group.Go(f)
	}
	go func() { group.Wait(); close(ended) }()
	for {
		select {
		case r := <-s.requests:
			r.started <- r.Start()
		case <-ended:
			return
		}
	}
}
