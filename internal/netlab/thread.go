package netlab

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

// errLeft stands for a function that ended its goroutine instead of returning, as t.FailNow does.
var errLeft = errors.New("left by runtime.Goexit: report failures from the test's own goroutine")

// ownThread runs f on an operating system thread of its own, which ends with f. A thread that
// has joined a mount namespace cannot be handed back to the Go scheduler: joining wants a file
// system state that is shared with no other thread (setns(2)), and unsharing that is for good.
//
// The thread is never the process's first one: that one cannot end before the process, and its
// namespaces are what /proc/self shows to everybody else.
func ownThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			f()
			return // still locked: the runtime ends the thread
		}
		started := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(started)
			f()
		}()
		<-started
		runtime.UnlockOSThread()
	}()
}

// outcomeOf calls f and sends what it returns to done, also when f never returns.
func outcomeOf(f func() error, done chan<- error) {
	err := errLeft
	defer func() { done <- err }()
	err = f()
}
