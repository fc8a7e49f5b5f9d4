package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// mode is how a client talks to the server.
type mode string

const (
	// exchange sends a byte on one connection and waits for it to come back, again and again.
	exchange mode = "request/response"
	// connection does so once for each connection, and closes that with a reset: nothing
	// stays in TIME_WAIT, and no port runs out.
	connection mode = "connect/request/close"
)

// pinned runs this program once more, from its start, with all of its threads on one core.
// A thread that is pinned later does not take the others along.
func pinned(core string) error {
	n, err := strconv.Atoi(core)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var want, have unix.CPUSet
	want.Set(n)
	if err := unix.SchedGetaffinity(0, &have); err != nil || have == want {
		return err
	}
	if err := unix.SchedSetaffinity(0, &want); err != nil {
		return fmt.Errorf("core %d: %w", n, err)
	}
	return unix.Exec("/proc/self/exe", os.Args, os.Environ())
}

// servePackets echoes on every connection to the port. args are the core and the port.
func servePackets(args []string) error {
	if err := pinned(args[0]); err != nil {
		return err
	}
	l, err := net.Listen("tcp", net.JoinHostPort("::", args[1]))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go echo(c)
	}
}

func echo(c net.Conn) {
	defer c.Close()
	var b [1]byte
	for {
		if _, err := c.Read(b[:]); err != nil {
			return // the client has gone, or has reset the connection
		}
		if _, err := c.Write(b[:]); err != nil {
			return
		}
	}
}

// traffic is what a client has done.
type traffic struct {
	Operations int
	Errors     int
	Wall       time.Duration
	CPU        time.Duration
}

// sendPackets talks to the server for a while and says how often. args are the core, the
// server's address and port, the mode and the time.
func sendPackets(args []string, out io.Writer) error {
	if err := pinned(args[0]); err != nil {
		return err
	}
	d, err := time.ParseDuration(args[3])
	if err != nil {
		return err
	}
	before, err := consumed(os.Getpid())
	if err != nil {
		return err
	}
	start := now()
	t, err := talk(args[1], mode(args[2]), d)
	if err != nil {
		return err
	}
	after, err := consumed(os.Getpid())
	if err != nil {
		return err
	}
	t.Wall, t.CPU = now().since(start), after.since(before).cpu
	return json.NewEncoder(out).Encode(t)
}

// patience is how long an answer may take; a packet that is dropped takes longer.
const patience = 3 * time.Second

func talk(address string, how mode, d time.Duration) (traffic, error) {
	var t traffic
	if how == exchange {
		c, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			return t, err
		}
		defer c.Close()
		for start := now(); now().since(start) < d; t.Operations++ {
			if err := ask(c); err != nil {
				return t, err
			}
		}
		return t, nil
	}
	for start := now(); now().since(start) < d; {
		if err := connectAndAsk(address); err != nil {
			t.Errors++
			if t.Errors > 10 {
				return t, err
			}
			continue
		}
		t.Operations++
	}
	return t, nil
}

func ask(c net.Conn) error {
	var b [1]byte
	if _, err := c.Write(b[:]); err != nil {
		return err
	}
	_, err := io.ReadFull(c, b[:])
	return err
}

func connectAndAsk(address string) (err error) {
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if tcp, ok := c.(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil {
			return err
		}
	}
	return ask(c)
}
