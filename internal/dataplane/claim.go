package dataplane

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// claimName is that of an abstract socket: those belong to a network namespace
// (unix(7)), as do the table and the routes, and go with the process that has them.
const claimName = "@margay/dataplane"

// claim makes this process the one that keeps the calling thread's network namespace in
// step. Two would undo each other's work. Another one that has just ended may still seem to
// be there: a program that its process was about to start has had the socket until it ran.
func claim() (net.Listener, error) {
	l, err := net.Listen("unix", claimName)
	for range 20 {
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		time.Sleep(10 * time.Millisecond)
		l, err = net.Listen("unix", claimName)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, errors.New("another agent keeps this network namespace in step")
	}
	if err != nil {
		return nil, fmt.Errorf("claim the network namespace: %w", err)
	}
	return l, nil
}

// Claim makes this process the one, for whoever takes away what an agent has made. It holds
// until it is closed. Its error is that an agent runs.
func Claim() (io.Closer, error) { return claim() }
