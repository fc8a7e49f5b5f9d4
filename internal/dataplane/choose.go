package dataplane

import (
	"fmt"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/iptables"
)

// asked is what the settings ask for.
type asked struct {
	mode    config.NFTablesMode
	variant config.IptablesBackend
}

func askedBy(s *config.Settings) asked { return asked{s.NFTables.Mode, s.Iptables.Backend} }

// variants are the settings' words for them; Auto is none.
var variants = map[config.IptablesBackend]iptables.Variant{config.BackendNFT: iptables.NFT, config.BackendLegacy: iptables.Legacy}

// openBackend opens the backend that the settings ask for. Auto is nftables wherever the
// kernel has it: a table of our own depends on nothing that kube-proxy or others use.
func (d *Dataplane) openBackend(s *config.Settings) (backend, error) {
	why := "the settings say so"
	if s.NFTables.Mode != config.NFTablesDisabled {
		b, err := openNFTables(s)
		if err == nil {
			err = b.table.Observe()
		}
		switch {
		case err == nil && s.NFTables.Mode == config.NFTablesAuto:
			why = "the kernel has it, and a table of our own depends on nobody else's"
			fallthrough
		case err == nil:
			d.log.WithField("backend", b.kind().String()).Info("Policy goes into nftables: " + why)
			return b, nil
		case s.NFTables.Mode == config.NFTablesEnabled:
			return nil, err
		}
		why = fmt.Sprintf("nftables cannot be used: %v", err)
	}
	c, err := d.probe.Choose(variants[s.Iptables.Backend])
	if err != nil {
		return nil, err
	}
	d.log.WithField("backend", "iptables").WithField("variant", string(c.Variant)).WithField("variantBecause", c.Why).
		Info("Policy goes into iptables: " + why)
	return openIptables(c, s), nil
}

// chooseBackend opens another backend if the settings ask for one. It takes over when it has
// all that the one in charge has (see takeOver); until then both guard the node. The members
// of sets come with the same piece of work.
func (d *Dataplane) chooseBackend(s *config.Settings) {
	if d.asked == askedBy(s) {
		return
	}
	next, err := d.openBackend(s)
	d.troubles.note(0, "backend", err)
	if err != nil {
		return // the one in charge stays; asked again with the next change of settings
	}
	d.asked = askedBy(s)
	if len(d.backends) > 1 { // the one that was to take over has not
		d.dismiss(d.backends[1])
	}
	if next.kind() == d.backends[0].kind() {
		d.troubles.note(0, "backend", next.close())
		return
	}
	d.backends = append(d.backends, next)
	d.complete = false
	if d.inSync {
		next.inSync()
	}
	next.configure(s)
	for _, f := range family.All() {
		d.managers.Get(f).attach(next.view(f))
	}
}

// takeOver puts the backend in charge that has been asked for, once it guards the node as
// well as the one before: all of it is in the kernel, in both families.
func (d *Dataplane) takeOver(errs family.Pair[error]) {
	if len(d.backends) < 2 || !d.inSync || !d.complete {
		return
	}
	for _, f := range family.All() {
		if errs.Get(f) != nil {
			return
		}
	}
	before := d.backends[0]
	d.dismiss(before)
	d.log.WithField("from", before.kind().String()).WithField("to", d.backends[0].kind().String()).
		Info("Policy is in another backend now")
}

// dismiss has policy go to a backend no more. What it has in the kernel is a leftover now.
func (d *Dataplane) dismiss(b backend) {
	for _, f := range family.All() {
		d.managers.Get(f).detach(b.view(f))
	}
	var rest []backend
	for _, o := range d.backends {
		if o != b {
			rest = append(rest, o)
		}
	}
	d.backends, d.swept = rest, false
	d.troubles.note(0, "backend", b.close())
}

// sweep removes what other backends have left, once ours guards the node. It looks once, and
// again if that has failed.
func (d *Dataplane) sweep(errs family.Pair[error]) {
	if d.swept || !d.inSync || len(d.backends) > 1 {
		return
	}
	for _, f := range family.All() {
		if errs.Get(f) != nil {
			return
		}
	}
	found, err := findLeftovers(d.probe, d.backends[0].kind())
	if err == nil {
		err = removeLeftovers(d.probe, found, d.backends[0].kind(), d.log)
	}
	d.swept = err == nil
	d.troubles.note(0, "leftovers", err)
}
