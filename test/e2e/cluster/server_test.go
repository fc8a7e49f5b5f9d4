package cluster

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// mark makes an object that a test looks for afterwards.
func (c *Cluster) mark(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := c.Context()
	defer cancel()
	object := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: name}}
	if _, err := c.Admin.CoreV1().ConfigMaps("default").Create(ctx, object, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// marked says whether the object is there.
func (c *Cluster) marked(t *testing.T, name string) bool {
	t.Helper()
	ctx, cancel := c.Context()
	defer cancel()
	_, err := c.Admin.CoreV1().ConfigMaps("default").Get(ctx, name, meta.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

func TestTheServerComesBackWithWhatItHad(t *testing.T) {
	c := Start(t, Options{})
	c.mark(t, "first")
	c.RestartServer()
	if !c.marked(t, "first") {
		t.Error("an object is lost in a restart")
	}
	c.KillServer()
	c.StartServer()
	if !c.marked(t, "first") {
		t.Error("an object is lost in a crash")
	}
}

func TestWatchesEndWithTheServer(t *testing.T) {
	c := Start(t, Options{})
	for name, end := range map[string]func(){"stop": c.StopServer, "crash": c.KillServer} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := c.Context()
			defer cancel()
			w, err := c.Admin.CoreV1().ConfigMaps("default").Watch(ctx, meta.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			end()
			var last watch.Event
			for last = range w.ResultChan() {
				continue
			}
			if ctx.Err() != nil {
				t.Errorf("the watch goes on; the last event is %v", last)
			}
			c.StartServer()
		})
	}
}

func TestAnOlderSnapshotHasWhatWasThereThen(t *testing.T) {
	c := Start(t, Options{})
	c.mark(t, "before")
	revision := func() string {
		ctx, cancel := c.Context()
		defer cancel()
		list, err := c.Admin.CoreV1().ConfigMaps("default").List(ctx, meta.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return list.ResourceVersion
	}
	snapshot := c.TakeSnapshot()
	for i := range 100 {
		c.mark(t, fmt.Sprintf("after%d", i))
	}
	late := revision()
	c.Restore(snapshot)
	if !c.marked(t, "before") || c.marked(t, "after0") {
		t.Errorf("before is there: %t, want true; after is there: %t, want false", c.marked(t, "before"), c.marked(t, "after0"))
	}
	if early := revision(); len(early) > len(late) || (len(early) == len(late) && early >= late) {
		t.Errorf("the revision is %s, and was %s before: it has to go back", early, late)
	}
	c.Restore(Snapshot{})
	if c.marked(t, "before") {
		t.Error("an object outlives the loss of everything")
	}
}

func TestACertificateThatExpires(t *testing.T) {
	c := Start(t, Options{})
	c.NewServerCertificate(time.Now().Add(-time.Minute))
	c.StopServer()
	c.LaunchServer()
	ctx, cancel := c.Context()
	defer cancel()
	err := c.server.await(ctx, func(ctx context.Context) error {
		err := c.get(ctx, c.ServerURL()+"/readyz")
		if invalid := (x509.CertificateInvalidError{}); errors.As(err, &invalid) && invalid.Reason == x509.Expired {
			return nil
		}
		return fmt.Errorf("want an expired certificate, got: %w", err)
	})
	if err != nil {
		t.Error(err)
	}
	c.StopServer()
	c.NewServerCertificate(time.Time{})
	c.StartServer()
}

// A process that cannot start is told of with its own words.
func TestAServerThatDoesNotStart(t *testing.T) {
	c := Start(t, Options{})
	c.StopServer()
	err := c.startServer([]string{"--no-such-flag"})
	if err == nil || !strings.Contains(err.Error(), "unknown flag: --no-such-flag") {
		t.Errorf("the error is: %v", err)
	}
	c.server = nil
	c.StartServer()
}
