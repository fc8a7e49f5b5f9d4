package kubernetes

import (
	"fmt"
	"testing"
	"time"
)

// A list of a hundred thousand pods is read while it comes, whatever it weighs, and read
// again tells nothing.
func TestAListOfAHundredThousandPods(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	const pods = 100_000
	s := newServer(t)
	s.fill("/api/v1/pods", pods, func(i int) string {
		return fmt.Sprintf(`{"metadata": {"namespace": "default", "name": "p%d", "labels": {"app": "a%d"}}, "spec": {"nodeName": "n%d"},
			"status": {"phase": "Running", "podIPs": [{"ip": "10.%d.%d.%d"}, {"ip": "fd00::%x:%x"}]}}`,
			i, i/100, i/50, i>>16, i>>8&255, i&255, i>>16, i&0xffff)
	})
	l := follow(t, s)
	l.patience = 2 * time.Minute
	l.want("in sync")
	if got := l.sink.count(); got != pods {
		t.Errorf("%d events", got)
	}
	s.forget()
	s.breakStreams()
	s.remove("/api/v1/pods", "default/p77")
	l.sink.await(t, func() bool { return len(l.sink.deleted) == 1 })
	if got := l.sink.count(); got != pods+1 {
		t.Errorf("%d events after the second list", got)
	}
}
