package kubernetes

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// rawObject is an object as the server wrote it, of which only the metadata has been
// read. One object that cannot be read must not stand in the way of its list.
type rawObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	text              []byte
}

// DeepCopyObject is for runtime.Object. The text is never changed.
func (o *rawObject) DeepCopyObject() runtime.Object {
	return &rawObject{TypeMeta: o.TypeMeta, ObjectMeta: *o.ObjectMeta.DeepCopy(), text: o.text}
}

// UnmarshalJSON reads the metadata and keeps the text.
func (o *rawObject) UnmarshalJSON(text []byte) error {
	var head struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return err
	}
	o.TypeMeta, o.ObjectMeta = head.TypeMeta, head.Metadata
	o.ManagedFields = nil
	o.text = append([]byte(nil), text...) // json reuses it
	return nil
}

// rawList is a list of raw objects.
type rawList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []rawObject `json:"items"`
}

// DeepCopyObject is for runtime.Object.
func (l *rawList) DeepCopyObject() runtime.Object {
	out := &rawList{TypeMeta: l.TypeMeta, ListMeta: *l.ListMeta.DeepCopy()}
	for i := range l.Items {
		out.Items = append(out.Items, *l.Items[i].DeepCopyObject().(*rawObject))
	}
	return out
}

// rawCodecs are codecs by which every object that is not about the exchange itself is a
// rawObject.
type rawCodecs struct{ runtime.NegotiatedSerializer }

// DecoderToVersion is for runtime.NegotiatedSerializer.
func (c rawCodecs) DecoderToVersion(d runtime.Decoder, _ runtime.GroupVersioner) runtime.Decoder {
	return rawDecoder{plain: d}
}

// rawDecoder decodes JSON.
type rawDecoder struct{ plain runtime.Decoder }

// Decode is for runtime.Decoder.
func (d rawDecoder) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	if into == nil {
		var head metav1.TypeMeta
		if err := json.Unmarshal(data, &head); err != nil {
			return nil, nil, fmt.Errorf("object from the API server: %w", err)
		}
		if head.APIVersion == "v1" && head.Kind == "Status" {
			return d.plain.Decode(data, defaults, nil)
		}
		into = &rawObject{}
	}
	switch into.(type) {
	case *rawObject, *rawList:
	default:
		return d.plain.Decode(data, defaults, into)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return nil, nil, fmt.Errorf("object from the API server: %w", err)
	}
	gvk := into.GetObjectKind().GroupVersionKind()
	return into, &gvk, nil
}
