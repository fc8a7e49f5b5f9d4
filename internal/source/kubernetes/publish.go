package kubernetes

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/margay-net/margay/internal/source"
)

// FieldManager is the name under which the server keeps what the agent has written.
const FieldManager = "margay"

// Publisher publishes what an agent tells of its node by server-side apply: the server
// knows which fields are the agent's, takes away those that it does not say any more, and
// leaves all others alone. What the Node says already is not written.
type Publisher struct {
	client *Client
	node   string
	now    func() time.Time
	// Overwritten is called when somebody else has changed what was published; may be nil. It
	// must not block.
	Overwritten func()

	mu sync.Mutex
	// last is what the Node has of ours, as far as is known; nil before it has been read.
	last *said
	// version is that of the Node when it had that.
	version string
}

// said is what was written.
type said struct {
	annotations map[string]string
	conditions  []condition
}

// condition is a condition as it is applied; fields that it lacks are not the agent's.
type condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Changed is when the status did.
	Changed metav1.Time `json:"lastTransitionTime"`
}

// NewPublisher makes the Publisher of a node.
func NewPublisher(c *Client, node string) (*Publisher, error) {
	if node == "" {
		return nil, fmt.Errorf("node without a name")
	}
	return &Publisher{client: c, node: node, now: time.Now}, nil
}

// Publish writes what differs from what the Node says. An attempt that fails is repeated a
// few times, with pauses; the error is the last one's.
func (p *Publisher) Publish(ctx context.Context, patch source.NodePatch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var pace pace
	for attempt := 1; ; attempt++ {
		err := p.publish(ctx, patch)
		if err == nil {
			return nil
		}
		if attempt == publishMost || !retriable(err) || !pause(ctx, pace.next(err)) {
			return fmt.Errorf("publish node %s: %w", p.node, err)
		}
	}
}

// publishMost is how often one Publish tries.
const publishMost = 4

// retriable says whether the same request may succeed a little later.
func retriable(err error) bool {
	switch meaning(err) {
	case lost, busy, ailing:
		return true
	}
	return false
}

func (p *Publisher) publish(ctx context.Context, patch source.NodePatch) error {
	if p.last == nil {
		if err := p.recall(ctx); err != nil {
			return err
		}
	}
	if !maps.Equal(p.last.annotations, patch.Annotations) {
		if err := p.apply(ctx, "", map[string]any{"metadata": map[string]any{"name": p.node, "annotations": patch.Annotations}}); err != nil {
			return err
		}
		p.last.annotations = maps.Clone(patch.Annotations)
	}
	conditions := p.conditions(patch.Conditions)
	if !sameConditions(p.last.conditions, conditions) {
		if err := p.apply(ctx, "status", map[string]any{"metadata": map[string]any{"name": p.node}, "status": map[string]any{"conditions": conditions}}); err != nil {
			return err
		}
		p.last.conditions = conditions
	}
	return nil
}

// conditions are in the form in which they are applied. One whose status is what it was
// keeps its time.
func (p *Publisher) conditions(list []source.Condition) []condition {
	out := make([]condition, 0, len(list))
	for _, c := range list {
		next := condition{Type: c.Type, Status: string(corev1.ConditionFalse), Reason: c.Reason, Message: c.Message, Changed: metav1.NewTime(p.now().UTC().Truncate(time.Second))}
		if c.Status {
			next.Status = string(corev1.ConditionTrue)
		}
		for _, before := range p.last.conditions {
			if before.Type == next.Type && before.Status == next.Status {
				next.Changed = before.Changed
			}
		}
		out = append(out, next)
	}
	return out
}

// sameConditions says whether two lists say the same, in whatever order.
func sameConditions(a, b []condition) bool {
	if len(a) != len(b) {
		return false
	}
	byType := func(x, y condition) int { return cmp.Compare(x.Type, y.Type) }
	a, b = slices.SortedFunc(slices.Values(a), byType), slices.SortedFunc(slices.Values(b), byType)
	for i := range a {
		x, y := a[i], b[i]
		if !x.Changed.Equal(&y.Changed) {
			return false
		}
		x.Changed, y.Changed = metav1.Time{}, metav1.Time{}
		if x != y {
			return false
		}
	}
	return true
}

// apply applies fields to the Node, or to a part of it. They are ours whoever has written
// them before.
func (p *Publisher) apply(ctx context.Context, part string, fields map[string]any) error {
	fields["apiVersion"], fields["kind"] = "v1", "Node"
	body, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	request := p.request(p.client.raw.Patch(types.ApplyYAMLPatchType), part).Param("fieldManager", FieldManager).Param("force", "true")
	node := &rawObject{}
	if err := request.Body(body).Do(ctx).Into(node); err != nil {
		return err
	}
	p.version = node.ResourceVersion
	return nil
}

func (p *Publisher) request(r *rest.Request, part string) *rest.Request {
	path := []string{"/api/v1/nodes", p.node}
	if part != "" {
		path = append(path, part)
	}
	return r.AbsPath(path...).MaxRetries(0)
}

// recall reads what an earlier run of the agent has written.
func (p *Publisher) recall(ctx context.Context) error {
	node := &corev1.Node{}
	if err := p.request(p.client.typed.Get(), "").Do(ctx).Into(node); err != nil {
		return err
	}
	last, err := readSaid(node)
	if err == nil {
		p.last, p.version = last, node.ResourceVersion
	}
	return err
}

// Saw takes note of the Node as a source has it. One that is older than what was published,
// or comes while something is being published, says nothing.
func (p *Publisher) Saw(node *corev1.Node) {
	if !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	if p.last == nil || older(node.ResourceVersion, p.version) {
		return
	}
	now, err := readSaid(node)
	if err == nil && maps.Equal(now.annotations, p.last.annotations) && sameConditions(now.conditions, p.last.conditions) {
		return
	}
	if p.last = nil; p.Overwritten != nil {
		p.Overwritten()
	}
}

// readSaid is what a Node has of ours, in the order of its lists.
func readSaid(node *corev1.Node) (*said, error) {
	ours, err := ownFields(node.ManagedFields)
	if err != nil {
		return nil, err
	}
	out := &said{annotations: map[string]string{}}
	for name, value := range node.Annotations {
		if ours.annotations[name] {
			out.annotations[name] = value
		}
	}
	for _, c := range node.Status.Conditions {
		if ours.conditions[string(c.Type)] {
			out.conditions = append(out.conditions, condition{string(c.Type), string(c.Status), c.Reason, c.Message, c.LastTransitionTime})
		}
	}
	return out, nil
}
