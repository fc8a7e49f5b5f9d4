package ipset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/family"
)

// Programs is the kernel as the ipset program sees it, in the network namespace of the
// thread that starts it.
type Programs struct {
	// Path is the program; "ipset" if empty.
	Path string
	// Patience is how long one run may take; 30 seconds if 0.
	Patience time.Duration
	// Start starts the program; nil for its own method of that name. What it starts must be in
	// the namespaces of the node.
	Start func(*exec.Cmd) error
}

// Save implements Kernel.
func (p *Programs) Save(f family.Family) ([]Listed, error) {
	out, err := p.run(nil, "save")
	if err != nil {
		return nil, err
	}
	return parse(out, f)
}

// Restore implements Kernel.
func (p *Programs) Restore(lines []byte) error {
	_, err := p.run(lines, "restore", "-exist")
	return err
}

func (p *Programs) run(in []byte, args ...string) ([]byte, error) {
	path, patience := p.Path, p.Patience
	if path == "" {
		path = "ipset"
	}
	if patience == 0 {
		patience = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, path, args...)
	c.WaitDelay = time.Second // for what a killed wrapper has left running
	var out, complaint bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in), &out, &complaint
	start := c.Start
	if p.Start != nil {
		start = func() error { return p.Start(c) }
	}
	err := start()
	if err == nil {
		err = c.Wait()
	}
	switch {
	case err == nil:
		return out.Bytes(), nil
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s %s: no end after %v", path, args[0], patience)
	}
	text := strings.TrimSpace(complaint.String())
	if m := lineNumber.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1]) // digits
		return nil, &Refused{Line: n, Text: text}
	}
	return nil, fmt.Errorf("%s %s: %w: %s", path, args[0], err, text)
}

// lineNumber is how ipset says which line it did not like.
var lineNumber = regexp.MustCompile(`Error in line (\d+)`)

// parse reads what ipset save prints. Sets of others are skipped.
func parse(text []byte, f family.Family) ([]Listed, error) {
	var out []Listed
	at := map[string]int{}
	for line := range bytes.Lines(text) {
		words := strings.Fields(string(line))
		if len(words) < 3 || !hasPrefix(words[1], Prefix(f)) && !hasPrefix(words[1], temporary(f)) {
			continue
		}
		switch words[0] {
		case "create":
			at[words[1]] = len(out)
			out = append(out, Listed{Set: created(words)})
		case "add":
			i, ok := at[words[1]]
			if !ok {
				return nil, fmt.Errorf("ipset save: a member before its set: %q", line)
			}
			out[i].Members = append(out[i].Members, Member(strings.Join(words[2:], " ")))
		}
	}
	return out, nil
}

// created reads "create NAME TYPE family inet … maxelem N …". What is not as we make sets is
// noted in the type, so that the set is like none of ours.
func created(words []string) Set {
	s := Set{Name: words[1], Type: Type(words[2])}
	for i, w := range words[3:] {
		switch w {
		case "maxelem":
			if i+4 < len(words) {
				s.Size, _ = strconv.Atoi(words[i+4])
			}
		case "timeout", "counters", "comment", "skbinfo", "netmask", "markmask", "forceadd":
			s.Type += Type(" " + w)
		}
	}
	return s
}
