package iptables

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

// Variant is which of the two implementations a program belongs to.
type Variant string

// The variants: NFT writes to nf_tables, in tables that native nft programs see, Legacy to
// the older ip_tables.
const (
	NFT    Variant = "nft"
	Legacy Variant = "legacy"
)

// Programs is the kernel as the programs of one variant and family see it, in the network
// and mount namespaces of the thread that starts them (the xtables lock is a file).
type Programs struct {
	Family  family.Family
	Variant Variant
	// Lock is how long to wait for the xtables lock, whole seconds; 2 seconds if 0. The loop
	// that waits does nothing else.
	Lock time.Duration
	// Patience is how long one run may take beyond that; 30 seconds if 0.
	Patience time.Duration
	// Start starts a program; nil for its own method of that name. What it starts must be in
	// the namespaces of the node.
	Start func(*exec.Cmd) error
}

// program is the name of one of the programs: "ip6tables-nft-restore".
func (p *Programs) program(suffix string) string {
	name := "iptables"
	if p.Family == family.V6 {
		name = "ip6tables"
	}
	return name + "-" + string(p.Variant) + suffix
}

// Save implements Kernel.
func (p *Programs) Save(table string) ([]byte, error) {
	return p.run(nil, p.program("-save"), "-t", table)
}

// Restore implements Kernel.
func (p *Programs) Restore(_ string, input []byte) error {
	_, err := p.run(input, p.program("-restore"), "--noflush", "--wait", strconv.Itoa(int(p.lock()/time.Second)))
	return err
}

func (p *Programs) lock() time.Duration {
	if p.Lock == 0 {
		return 2 * time.Second
	}
	return p.Lock
}

func (p *Programs) run(in []byte, name string, args ...string) ([]byte, error) {
	patience := p.Patience
	if patience == 0 {
		patience = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience+p.lock())
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.WaitDelay = time.Second // for what a killed wrapper has left running
	var out, complaint bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in), &out, &complaint
	err := p.start(c)
	if err == nil {
		err = c.Wait()
	}
	text := strings.TrimSpace(complaint.String())
	var exit *exec.ExitError
	switch {
	case err == nil:
		return out.Bytes(), incompatible(out.Bytes(), complaint.Bytes())
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s: no end after %v", name, patience)
	case !errors.As(err, &exit):
		return nil, err
	case exit.ExitCode() == lockedStatus && strings.Contains(text, "lock"):
		return nil, fmt.Errorf("%s: %w: %s", name, ErrLocked, text)
	}
	refused := &Refused{Text: text}
	if m := lineNumber.FindStringSubmatch(text); m != nil {
		refused.Line, _ = strconv.Atoi(m[1]) // digits
	}
	return nil, fmt.Errorf("%s: %w", name, refused)
}

func (p *Programs) start(c *exec.Cmd) error {
	if p.Start == nil {
		return c.Start()
	}
	return p.Start(c)
}

// lockedStatus is xtables' RESOURCE_PROBLEM.
const lockedStatus = 4

// lineNumber is how the programs say which line was not taken: "Error occurred at line: 4",
// "line 4 failed", "line 4: RULE_APPEND failed".
var lineNumber = regexp.MustCompile(`line:? (\d+)`)

// incompatible is how the nft variant says that it cannot read a table in which others have
// native rules.
func incompatible(texts ...[]byte) error {
	for _, text := range texts {
		if bytes.Contains(text, []byte("is incompatible, use 'nft' tool")) {
			return errors.New("another program has native nft rules in it, which iptables-nft cannot read")
		}
	}
	return nil
}
