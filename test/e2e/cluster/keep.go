package cluster

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// showLogs prints the end of every process's log, for a test that has failed.
func (c *Cluster) showLogs() {
	logs, err := filepath.Glob(c.path("*.log"))
	if err != nil {
		c.t.Log(err)
	}
	for _, log := range logs {
		if filepath.Base(log) != "audit.log" {
			c.t.Logf("%s:\n%s", filepath.Base(log), tailOf(log, 30))
		}
	}
}

// waitForPeople leaves the cluster of a failed test up until it is interrupted, if KEEP is set.
func (c *Cluster) waitForPeople() {
	if keep := os.Getenv("KEEP"); keep == "" || keep == "0" || keep == "no" {
		return
	}
	text, err := c.howToLook()
	if err != nil {
		c.t.Log(err)
		return
	}
	fmt.Fprint(os.Stderr, text)
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(interrupted)
	<-interrupted
}

// howToLook writes scripts that run kubectl, a program in each namespace, and the agents' commands,
// and says where they are.
func (c *Cluster) howToLook() (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "\n%s has failed, and is kept until it is interrupted (Ctrl-C). Logs and scripts: %s\n", c.t.Name(), c.directory)
	kubectl := fmt.Sprintf("KUBECONFIG=%s exec %s -- %s kubectl", c.path("kubeconfig"), enter(c.control.NetFD()), c.components)
	if err := c.script(&text, "kubectl", kubectl); err != nil {
		return "", err
	}
	for _, n := range c.nodes {
		if err := c.script(&text, "in-"+n.Name(), "exec "+enter(n.NetFD())); err != nil {
			return "", err
		}
		if n.agent == nil {
			continue
		}
		pid := n.agent.command.Process.Pid // for the agent's socket, which is in the node's own /run
		if err := c.script(&text, "agent-"+n.Name(), fmt.Sprintf("exec nsenter -t %d -m -n -- %s", pid, n.agent.command.Path)); err != nil {
			return "", err
		}
	}
	for _, p := range c.Lab.Pods() {
		if err := c.script(&text, "in-"+strings.ReplaceAll(p.Name(), "/", "-"), "exec "+enter(p.NetFD())); err != nil {
			return "", err
		}
	}
	return text.String(), nil
}

// enter is the command that runs another in a network namespace that this process holds open.
func enter(fd int) string { return fmt.Sprintf("nsenter --net=/proc/%d/fd/%d", os.Getpid(), fd) }

func (c *Cluster) script(text *strings.Builder, name, command string) error {
	fmt.Fprintf(text, "  %s\n", c.path(name))
	return os.WriteFile(c.path(name), []byte("#!/bin/sh\n"+command+` "$@"`+"\n"), 0o755)
}

// endQuietly ends a process that may not be there, and reports nothing: the test is over.
func (p *process) endQuietly() {
	if p != nil {
		_ = p.kill()
	}
}
