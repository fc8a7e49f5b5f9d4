package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/margay-net/margay/internal/model"
)

// Recorder writes Events on the objects that something is wrong with, so that
// `kubectl describe` shows it: on a pod the agent of its node, on anything else the agents
// of a few nodes that the object's name picks. An Event's name is made of what it says, so
// that whoever comes second finds it written.
//
// What is wrong for a moment only is not worth an Event, and what lasts is worth one in
// an hour, which is how long a server keeps it.
type Recorder struct {
	client *Client
	node   string
	limit  *rate.Limiter
	*errands

	mu      sync.Mutex
	written map[string]time.Time // when an Event was, by its name
}

// Times and numbers of a Recorder.
const (
	// eventLife is how long the server keeps an Event, as it is mostly set up.
	eventLife = time.Hour
	// writesAtOnce are made without a pause, then one in writePause.
	writesAtOnce = 20
	writePause   = 2 * time.Second
	// noteMost is the longest note that the server takes, in bytes.
	noteMost = 1024
)

// NewRecorder makes the Recorder of a node's agent. It writes nothing before Run.
func NewRecorder(c *Client, node string, log *logrus.Entry) *Recorder {
	return &Recorder{
		client: c, node: node, errands: newErrands(node, log),
		limit:   rate.NewLimiter(rate.Every(writePause), writesAtOnce),
		written: map[string]time.Time{},
	}
}

// Report replaces what is wrong at a place. It does not block.
func (r *Recorder) Report(place string, problems []model.Problem) {
	grave := slices.DeleteFunc(slices.Clone(problems), func(p model.Problem) bool { return p.Severity == model.Note })
	if len(grave) == 0 {
		r.cancel("events", place)
		return
	}
	r.order("events", place, func(ctx context.Context, s subject) error {
		for _, p := range grave {
			if err := r.write(ctx, s, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// write writes one Event, unless it has been.
func (r *Recorder) write(ctx context.Context, s subject, p model.Problem) error {
	e := eventOf(s, p, r.node, time.Now())
	if r.isWritten(e.Name) {
		return nil
	}
	if err := r.limit.Wait(ctx); err != nil {
		return err
	}
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	err = r.client.raw.Post().AbsPath("/apis/events.k8s.io/v1/namespaces", e.Namespace, "events").MaxRetries(0).Body(body).Do(ctx).Error()
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written[e.Name] = e.EventTime.Time
	return nil
}

// isWritten says whether an Event has been written, and forgets those that the server has.
func (r *Recorder) isWritten(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.written, func(_ string, at time.Time) bool { return time.Since(at) > eventLife })
	_, ok := r.written[name]
	return ok
}

// eventOf is the Event that tells of a problem. Its name has a place for each hour, in which
// it can be written once.
func eventOf(s subject, p model.Problem, node string, now time.Time) *eventsv1.Event {
	note := eventNote(p)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", s.uid, note, now.Unix()/int64(eventLife.Seconds())))
	name := s.name
	if len(name) > 200 {
		name = strings.TrimRight(name[:200], ".-")
	}
	reason := "NotInForce"
	if p.Severity == model.Warning {
		reason = "Doubtful"
	}
	namespace := s.namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return &eventsv1.Event{
		TypeMeta:            metav1.TypeMeta{APIVersion: "events.k8s.io/v1", Kind: "Event"},
		ObjectMeta:          metav1.ObjectMeta{Namespace: namespace, Name: name + "." + hex.EncodeToString(sum[:8])},
		EventTime:           metav1.NewMicroTime(now),
		ReportingController: "margay.io/agent",
		ReportingInstance:   "margay-" + node[:min(len(node), 120)],
		Action:              "Apply",
		Reason:              reason,
		Regarding:           corev1.ObjectReference{APIVersion: s.apiVersion, Kind: s.kind, Namespace: s.namespace, Name: s.name, UID: s.uid},
		Note:                note,
		Type:                corev1.EventTypeWarning,
	}
}

// eventNote is a problem in as much text as the server takes.
func eventNote(p model.Problem) string {
	note := p.Message
	switch {
	case p.Value != "":
		note = fmt.Sprintf("%s %q: %s", p.Field, p.Value, p.Message)
	case p.Field != "":
		note = p.Field + ": " + p.Message
	}
	if len(note) > noteMost {
		note = strings.ToValidUTF8(note[:noteMost-len("…")], "") + "…"
	}
	return note
}
