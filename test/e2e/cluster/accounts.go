package cluster

import (
	"context"
	"errors"
	"fmt"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// supplyAccounts makes the ServiceAccount "default" of every namespace there is and comes, as the
// controller manager does: without it the server refuses pods.
func (c *Cluster) supplyAccounts() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	c.t.Cleanup(func() { stop(); <-done })
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_ = c.followNamespaces(ctx) // the server may be away, which is what some tests are about
		}
	}()
}

// followNamespaces does so until the server ends the watch.
func (c *Cluster) followNamespaces(ctx context.Context) error {
	events, err := c.Admin.CoreV1().Namespaces().Watch(ctx, meta.ListOptions{})
	if err != nil {
		return errors.Join(err, pause(ctx))
	}
	defer events.Stop()
	for e := range events.ResultChan() {
		namespace, ok := e.Object.(*core.Namespace)
		if !ok || e.Type != watch.Added {
			continue
		}
		account := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Name: "default"}}
		_, err := c.Admin.CoreV1().ServiceAccounts(namespace.Name).Create(ctx, account, meta.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return errors.Join(err, pause(ctx))
		}
	}
	return nil
}

// EnsureNamespace makes a namespace unless it is there, and waits for its account.
func (c *Cluster) EnsureNamespace(name string) {
	c.t.Helper()
	ctx, cancel := c.Context()
	defer cancel()
	namespace := &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: name}}
	if _, err := c.Admin.CoreV1().Namespaces().Create(ctx, namespace, meta.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		c.t.Fatal(err)
	}
	c.must(c.awaitAccount(ctx, name))
}

// awaitObjects waits for what the server makes by itself when it starts on empty data, and says
// that it is ready before: the service kubernetes, and the namespaces of the system.
func (c *Cluster) awaitObjects() {
	c.t.Helper()
	ctx, cancel := c.Context()
	defer cancel()
	events, err := c.Admin.CoreV1().Services("default").Watch(ctx, named("kubernetes"))
	c.must(err)
	c.must(awaitAdded(events))
	c.must(c.awaitAccount(ctx, "kube-system"))
	c.must(c.awaitAccount(ctx, "default"))
}

// awaitAccount waits for the account "default" of a namespace.
func (c *Cluster) awaitAccount(ctx context.Context, namespace string) error {
	events, err := c.Admin.CoreV1().ServiceAccounts(namespace).Watch(ctx, named("default"))
	if err != nil {
		return err
	}
	if err := awaitAdded(events); err != nil {
		return fmt.Errorf("account of namespace %s: %w", namespace, err)
	}
	return nil
}

func named(name string) meta.ListOptions {
	return meta.ListOptions{FieldSelector: "metadata.name=" + name}
}

// awaitAdded waits until a watch tells of an object that is, or has come, there.
func awaitAdded(events watch.Interface) error {
	defer events.Stop()
	for e := range events.ResultChan() {
		if e.Type == watch.Added {
			return nil
		}
	}
	return errors.New("does not come")
}

// EnsureAccount makes a service account, "namespace/name", with its namespace.
func (c *Cluster) EnsureAccount(account string) {
	c.t.Helper()
	ctx, cancel := c.Context()
	defer cancel()
	namespace, name := split(account)
	c.EnsureNamespace(namespace)
	object := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Name: name}}
	if _, err := c.Admin.CoreV1().ServiceAccounts(namespace).Create(ctx, object, meta.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		c.t.Fatal(err)
	}
}
