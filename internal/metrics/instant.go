package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// instant is a gauge of the time since something, computed when Prometheus asks, so that it
// grows without anybody waking up to make it so.
type instant struct{ at atomic.Pointer[time.Time] }

// newInstant registers an age that is 0 until it is set.
func newInstant(r prometheus.Registerer, now func() time.Time, name, help string, labels prometheus.Labels) *instant {
	i := &instant{}
	promauto.With(r).NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, func() float64 {
		at := i.at.Load()
		if at == nil || at.IsZero() {
			return 0
		}
		return max(0, now().Sub(*at).Seconds())
	})
	return i
}

// set begins the age at a time; the zero time makes it 0 again.
func (i *instant) set(at time.Time) { i.at.Store(&at) }
