package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"

	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
	"github.com/margay-net/margay/internal/source/kubernetes"
)

// apiServer makes a client of the API server: by the file, by those that KUBECONFIG names,
// or by the service account of the pod that the agent runs in. Its error is that none of
// them says how; whether the server is there shows later.
func apiServer(file string, lookupEnv func(string) (string, bool)) (*kubernetes.Client, error) {
	config, err := apiConfig(file, lookupEnv)
	if err != nil {
		return nil, fmt.Errorf("datastore kubernetes: %w", err)
	}
	config.UserAgent = "margay/" + readBuild().version
	return kubernetes.NewClient(config)
}

func apiConfig(file string, lookupEnv func(string) (string, bool)) (*rest.Config, error) {
	if listed, _ := lookupEnv(clientcmd.RecommendedConfigPathEnvVar); file == "" && listed != "" {
		rules := &clientcmd.ClientConfigLoadingRules{Precedence: filepath.SplitList(listed)}
		return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	}
	if file != "" {
		return clientcmd.BuildConfigFromFlags("", file)
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, fmt.Errorf("%w; outside of a pod, use --kubeconfig FILE (or KUBECONFIG), or --datastore files --manifests DIR", err)
	}
	return config, nil
}

// newRecorder makes what writes Events; nil if the datastore has none.
func (l *local) newRecorder(log *logrus.Entry) *kubernetes.Recorder {
	if l.api == nil {
		return nil
	}
	return kubernetes.NewRecorder(l.api, l.node(), log)
}

// watchNode has what somebody else makes of our word on the Node put right. It returns what
// is to be shown the Node; nil if there is none to watch.
func (d *daemon) watchNode(p source.Publisher) func(*corev1.Node) {
	api, ok := p.(*kubernetes.Publisher)
	if !ok {
		return nil
	}
	api.Overwritten = func() { d.announcer.overwritten(d.announcer.node) }
	return api.Saw
}

// reported is what the engine tells of problems.
func reported(r *kubernetes.Recorder) func(string, []model.Problem) {
	if r == nil {
		return nil
	}
	return r.Report
}

// writeEvents writes Events until the context ends.
func (c *core) writeEvents(ctx context.Context) error {
	if c.events == nil {
		<-ctx.Done()
		return nil
	}
	return c.events.Run(ctx)
}

// serverLost is the condition that says that the API server cannot be reached. The node is
// served as before: it stops nothing.
const serverLost = "APIServerLost"

// link is whether the API server can be reached; the zero value is for a source that needs
// none.
type link struct{ down atomic.Bool }

func (l *link) up() bool { return !l.down.Load() }

// linked notes that the API server is lost, or back.
func (o *observer) linked(l kubernetes.Link) {
	before := o.link.down.Swap(!l.Up)
	if l.Up {
		if before {
			o.log.Info("The API server is back")
		}
		o.board.ClearCondition(serverLost, 0)
		o.announcer.wake()
		return
	}
	if !before {
		o.log.WithField("reason", l.Reason).Warn("The API server is lost; the kernel stays as it is")
	}
	if !l.Heard.IsZero() {
		o.metrics.Source.Contact(l.Heard)
	}
	o.board.SetCondition(time.Now(), health.Condition{
		Name: serverLost, Status: health.True, Message: lastHeard(l.Heard) + l.Reason,
	})
}

func lastHeard(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return "last heard " + at.UTC().Format(time.RFC3339) + "; "
}
