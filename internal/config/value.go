package config

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Value ties a row of the table to a field of Settings. Its text form is the same in
// every source; what a FelixConfiguration holds as JSON is first turned into text.
type Value interface {
	// Type describes the type and what is allowed, for people.
	Type() string
	// assign parses text and stores it in the field. The empty text stores the zero
	// value. On error the field is as before.
	assign(s *Settings, text string) error
	// assignNone stores the zero value where the type allows the word "none".
	assignNone(s *Settings) error
	// text is the field's value in canonical form: equal values give equal texts,
	// assign takes it back, and it is empty for a zero value that has no other text.
	text(s *Settings) string
	// shape is the type of a FelixConfiguration's field in the API server.
	shape() shape
	// fromJSON turns a decoded JSON value into text for assign.
	fromJSON(v any) (string, error)
}

// kind is a type of setting.
type kind[T any] struct {
	name  string // "seconds", "IPv4 address, or none"
	parse func(text string) (T, error)
	show  func(T) string
	// required refuses "none": the zero value means nothing.
	required bool
	// list says that JSON may hold a list of elements.
	list bool
	// shape is what the API server takes; text where it is zero.
	shape shape
	// object turns one JSON object into text, in kinds whose elements are objects.
	object func(map[string]any) (string, error)
}

// bound is a kind with the field it fills.
type bound[T any] struct {
	kind[T]
	at func(*Settings) *T
}

// as makes the Value that keeps a setting of kind k in the field that at points to.
func as[T any](k kind[T], at func(*Settings) *T) Value { return bound[T]{k, at} }

// Type implements Value.
func (b bound[T]) Type() string { return b.name }

func (b bound[T]) assign(s *Settings, text string) error {
	// No setting needs them, and they would break logs and printed tables.
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return errors.New("must be UTF-8 without control characters")
	}
	var v T
	if text = strings.TrimSpace(text); text != "" {
		var err error
		if v, err = b.parse(text); err != nil {
			return err
		}
	}
	*b.at(s) = v
	return nil
}

func (b bound[T]) assignNone(s *Settings) error {
	if b.required {
		return errors.New("cannot be none")
	}
	var zero T
	*b.at(s) = zero
	return nil
}

func (b bound[T]) text(s *Settings) string { return b.show(*b.at(s)) }

func (b bound[T]) fromJSON(v any) (string, error) {
	switch v := v.(type) {
	case []any, []string:
		if !b.list {
			return "", errors.New("is a list, which this setting does not take")
		}
		return jsonList(v, b.object)
	case map[string]any:
		if b.object == nil {
			return "", errors.New("is an object, which this setting does not take")
		}
		return b.object(v)
	}
	return jsonScalar(v)
}
