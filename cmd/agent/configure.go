package main

import (
	"context"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/tuning"
)

// configure hands new settings to the goroutine that puts them into force. It does not
// block: older ones that still wait are void.
func (d *daemon) configure(r *config.Resolved) {
	for {
		select {
		case d.configured <- r:
			return
		case <-d.configured:
		}
	}
}

// followSettings puts settings into force as they change. The dataplane gets its own
// with its work.
func (d *daemon) followSettings(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-d.configured:
			before := d.inForce
			d.inForce = now
			d.logChanges(before, now)
			d.apply(now)
			if s := sourceSettingsOf(&now.Settings); s != sourceSettingsOf(&before.Settings) {
				d.replaceSource(s)
			}
		}
	}
}

func (d *daemon) logChanges(before, now *config.Resolved) {
	for _, c := range config.Diff(before, now) {
		log := d.log.WithFields(logrus.Fields{"setting": c.Name, "old": c.Old, "new": c.New, "from": now.Origin(c.Name)})
		if c.Restart {
			log.Warn("A setting has changed that waits until the agent is restarted")
			continue
		}
		log.Info("A setting has changed")
	}
}

// apply puts into force what does not concern the dataplane.
func (d *daemon) apply(r *config.Resolved) {
	s := &r.Settings
	setLogLevel(d.log.Logger, s.Logging.Level)
	tuning.Apply(s.Runtime, d.lookupEnv)
	d.board.SetFamilies(s.Families())
	d.board.SetTimeouts(s.Health.Timeouts)
	d.metrics.SetRuntime(s.Metrics.Go, s.Metrics.Process)
	d.servers.configure(s)
	d.announcer.wake()
}

// replaceSource has followSource start another source, with the newest settings.
func (d *daemon) replaceSource(s sourceSettings) {
	select {
	case <-d.replaced: // an older one that has not been seen
	default:
	}
	d.replaced <- s
}
