package kubernetes

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// readAll reads all there is, and follows its changes if it can do so on the same stream.
//
// A server of Kubernetes 1.32 or later streams a list: each object is an event of its own,
// and a bookmark says where the changes begin. From older ones it is read in one or more
// pages. Either way it is as new as the server's own store has it.
func (f *feed) readAll(ctx context.Context) error {
	if f.paged {
		return f.readPages(ctx)
	}
	w, err := f.open(ctx, metav1.ListOptions{
		SendInitialEvents:    new(true),
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	if err != nil {
		return err
	}
	defer w.Stop()
	return f.follow(ctx, w, collection{})
}

// pageSize is how many objects are in a page. Servers that read lists from their cache
// give all of them in one.
const pageSize = 500

// readPages reads all there is by lists. The next turn opens a stream.
func (f *feed) readPages(ctx context.Context) error {
	all := collection{}
	options := metav1.ListOptions{Limit: pageSize, FieldSelector: f.selector()}
	if !f.known {
		options.ResourceVersion = "0" // whatever the server's cache has; the stream that follows catches up
	}
	for {
		list := f.emptyList()
		if err := f.client.list(ctx, f.kind.form(), f.path, options, list); err != nil {
			return err
		}
		f.opened(false)
		head, err := meta.ListAccessor(list)
		if err != nil {
			return err
		}
		if err := meta.EachListItem(list, func(obj runtime.Object) error { return f.takeObject(obj, all) }); err != nil {
			return err
		}
		if options.Continue = head.GetContinue(); options.Continue == "" {
			f.version = head.GetResourceVersion()
			f.finish(all)
			return nil
		}
		options.ResourceVersion = ""
	}
}

func (f *feed) emptyList() runtime.Object {
	if f.kind.typed != nil {
		return f.kind.typed()
	}
	return &rawList{}
}
