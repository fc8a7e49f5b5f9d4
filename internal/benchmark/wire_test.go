package main

import (
	"bytes"
	"encoding/gob"
	"reflect"
	"testing"

	"github.com/margay-net/margay/internal/workload"
)

func TestEventsComeOutOfThePipeAsTheyWentIn(t *testing.T) {
	registerWire()
	events := workload.New(workload.Small()).BaseEvents()
	var pipe bytes.Buffer
	encoder, decoder := gob.NewEncoder(&pipe), gob.NewDecoder(&pipe)
	for _, e := range events {
		if err := encoder.Encode(toWire(e)); err != nil {
			t.Fatalf("%v: %v", e.Key, err)
		}
		var w wireEvent
		if err := decoder.Decode(&w); err != nil {
			t.Fatalf("%v: %v", e.Key, err)
		}
		if got := w.event(); got.String() != e.String() || reflect.TypeOf(got.Value) != reflect.TypeOf(e.Value) {
			t.Errorf("got  %v\nwant %v", got, e)
		}
	}
}
