package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// instant is a time on CLOCK_MONOTONIC in nanoseconds: the same in every process.
type instant int64

func now() instant {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // the clock is there on every Linux
	}
	return instant(t.Nano())
}

func (t instant) since(start instant) time.Duration { return time.Duration(t - start) }

// consumption is what a process has used up to now.
type consumption struct {
	cpu      time.Duration // user and system, of all threads that live
	switches int64         // voluntary ones: how often a thread has gone to sleep
}

// consumed reads what a process has used, without disturbing it. The scheduler's own
// count (/proc/PID/task/TID/schedstat) is exact for threads that sleep.
func consumed(pid int) (consumption, error) {
	var c consumption
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid))
	if err != nil || len(tasks) == 0 {
		return c, fmt.Errorf("process %d has no threads: %w", pid, os.ErrNotExist)
	}
	for _, task := range tasks {
		stat, err := os.ReadFile(task + "/schedstat")
		if err != nil {
			continue // the thread has ended meanwhile
		}
		ran, _, _ := strings.Cut(string(stat), " ")
		ns, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return c, fmt.Errorf("%s/schedstat: %w", task, err)
		}
		c.cpu += time.Duration(ns)
		n, err := statusNumber(task+"/status", "voluntary_ctxt_switches")
		if err != nil {
			continue
		}
		c.switches += n
	}
	return c, nil
}

func (c consumption) since(before consumption) consumption {
	return consumption{cpu: c.cpu - before.cpu, switches: c.switches - before.switches}
}

// memory is a process's resident memory in bytes.
type memory struct{ peak, now int64 }

// memoryOf reads VmHWM and VmRSS.
func memoryOf(pid int) (memory, error) {
	path := fmt.Sprintf("/proc/%d/status", pid)
	rss, err := statusNumber(path, "VmRSS")
	if err != nil {
		return memory{}, err
	}
	peak, err := statusNumber(path, "VmHWM") // after the other: the process may be growing
	return memory{peak: peak << 10, now: rss << 10}, err
}

// statusNumber is a number of a proc(5) status file; sizes are in KiB there.
func statusNumber(path, field string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		}
	}
	return 0, fmt.Errorf("%s: no %s", path, field)
}
