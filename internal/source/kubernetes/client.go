package kubernetes

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

// Client speaks to one API server, over one connection. It neither limits its rate nor
// repeats what fails: who asks decides that, and the server's priority and fairness.
type Client struct {
	// typed reads protobuf into the types of Kubernetes' API, raw JSON into rawObjects.
	typed, raw rest.Interface
	parameters runtime.ParameterCodec
}

// mediaProtobuf is Kubernetes' own encoding, a third of JSON's size.
const mediaProtobuf = "application/vnd.kubernetes.protobuf"

// NewClient makes a client by a configuration that names server and credentials.
func NewClient(config *rest.Config) (*Client, error) {
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	codecs := serializer.NewCodecFactory(scheme).WithoutConversion()

	config = rest.CopyConfig(config)
	config.QPS = -1
	config.WarningHandlerWithContext = rest.NoWarnings{}
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("client of the API server: %w", err)
	}
	c := &Client{parameters: runtime.NewParameterCodec(scheme)}
	config.NegotiatedSerializer = codecs
	config.ContentType, config.AcceptContentTypes = mediaProtobuf, mediaProtobuf+",application/json"
	if c.typed, err = rest.UnversionedRESTClientForConfigAndClient(config, transport); err != nil {
		return nil, fmt.Errorf("client of the API server: %w", err)
	}
	config = rest.CopyConfig(config)
	config.NegotiatedSerializer = rawCodecs{codecs}
	config.ContentType, config.AcceptContentTypes = "application/json", "application/json"
	if c.raw, err = rest.UnversionedRESTClientForConfigAndClient(config, transport); err != nil {
		return nil, fmt.Errorf("client of the API server: %w", err)
	}
	return c, nil
}

// form is how objects are asked for.
type form uint8

const (
	asJSON     form = iota // as rawObjects
	asTypes                // as the types of Kubernetes' API, by protobuf
	asMetadata             // as rawObjects that have nothing but metadata
)

// The forms of objects with nothing but metadata, one by one and in lists; a server that
// cannot do so sends all.
const (
	partial     = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
	partialList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
)

// request begins a request for the objects under a path.
func (c *Client) request(as form, path string, o metav1.ListOptions) *rest.Request {
	request := c.raw.Get()
	switch as {
	case asTypes:
		request = c.typed.Get()
	case asMetadata:
		accept := partialList
		if o.Watch {
			accept = partial
		}
		request = request.SetHeader("Accept", accept)
	}
	return request.AbsPath(path).MaxRetries(0).SpecificallyVersionedParams(&o, c.parameters, schema.GroupVersion{Version: "v1"})
}

// list reads one page into a list.
func (c *Client) list(ctx context.Context, as form, path string, o metav1.ListOptions, into runtime.Object) error {
	return c.request(as, path, o).Do(ctx).Into(into)
}

// watch opens a stream of events. It has ended when its channel is closed.
func (c *Client) watch(ctx context.Context, as form, path string, o metav1.ListOptions) (watch.Interface, error) {
	o.Watch = true
	return c.request(as, path, o).Watch(ctx)
}
