package iptables

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	goiptables "github.com/coreos/go-iptables/iptables"

	"github.com/margay-net/margay/internal/family"
)

// Probe finds out what there is of iptables on a node. It loads no module by looking: that
// the legacy variant is in use it knows from the kernel's list of such tables, which is not
// there before.
type Probe struct {
	// Start is that of Programs.
	Start func(*exec.Cmd) error
	// Names is where the kernel lists the tables of the legacy variant, by family; if empty,
	// where it does so in the namespace of the thread that asks.
	Names family.Pair[string]
}

// Choice is a variant, and why it was chosen.
type Choice struct {
	Variant Variant
	Why     string
	// PredictablePorts says that the programs cannot choose NAT's ports at random.
	PredictablePorts bool
}

// Choose chooses a variant. An empty one means: that in which Kubernetes' own components
// have their chains, so that there is one order of rules to look at; and nft, which needs no
// lock, where there are none. An error means that its programs are not there.
func (p *Probe) Choose(wanted Variant) (Choice, error) {
	c := Choice{Variant: wanted, Why: "the settings say so"}
	if wanted == "" {
		c = p.automatic()
	}
	for _, f := range family.All() {
		programs := Programs{Family: f, Variant: c.Variant}
		for _, suffix := range []string{"-save", "-restore"} {
			if _, err := exec.LookPath(programs.program(suffix)); err != nil {
				return c, fmt.Errorf("iptables variant %s (%s): %w", c.Variant, c.Why, err)
			}
		}
	}
	tool, err := goiptables.New(goiptables.Path((&Programs{Family: family.V4, Variant: c.Variant}).program("")))
	if err != nil {
		return c, fmt.Errorf("iptables variant %s: %w", c.Variant, err)
	}
	c.PredictablePorts = !tool.HasRandomFully()
	return c, nil
}

func (p *Probe) automatic() Choice {
	if p.present(NFT) != nil {
		return Choice{Variant: Legacy, Why: "there are no programs of the nft variant"}
	}
	for _, v := range []Variant{NFT, Legacy} {
		for _, f := range family.All() {
			if chain := p.kubernetes(f, v); chain != "" {
				return Choice{Variant: v, Why: fmt.Sprintf("the chain %s is there", chain)}
			}
		}
	}
	return Choice{Variant: NFT, Why: "no chain of Kubernetes is in either variant"}
}

// present says whether a variant's programs are there.
func (p *Probe) present(v Variant) error {
	var errs []error
	for _, f := range family.All() {
		_, err := exec.LookPath((&Programs{Family: f, Variant: v}).program("-restore"))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// kubernetes is the name of a chain of kubelet's or kube-proxy's in a variant, empty if there
// is none. They leave KUBE-IPTABLES-HINT and KUBE-KUBELET-CANARY in mangle for this purpose.
func (p *Probe) kubernetes(f family.Family, v Variant) string {
	for _, table := range p.InUse(f, v) {
		text, err := p.Programs(f, v).Save(table)
		if err != nil {
			continue // what cannot be read decides nothing
		}
		for line := range bytes.Lines(text) {
			if name, ok := strings.CutPrefix(string(line), ":KUBE-"); ok {
				name, _, _ = strings.Cut(name, " ")
				return "KUBE-" + name
			}
		}
	}
	return ""
}

// Programs are those of a family and a variant.
func (p *Probe) Programs(f family.Family, v Variant) *Programs {
	return &Programs{Family: f, Variant: v, Start: p.Start}
}

// InUse lists the tables of ours in which a variant may have anything. To read one of the
// legacy variant that is not in use would make it.
func (p *Probe) InUse(f family.Family, v Variant) []string {
	if p.present(v) != nil {
		return nil
	}
	if v == NFT {
		return Tables()
	}
	names := p.Names.Get(f)
	if names == "" {
		names = "/proc/thread-self/net/" + map[family.Family]string{family.V4: "ip_tables_names", family.V6: "ip6_tables_names"}[f]
	}
	text, err := os.ReadFile(names)
	if err != nil {
		return nil // the module is not loaded
	}
	inUse := strings.Fields(string(text))
	return slices.DeleteFunc(Tables(), func(t string) bool { return !slices.Contains(inUse, t) })
}
