package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// none is the word that sets a setting to nothing, whatever its default. An empty
// value, in contrast, leaves the setting unset.
const none = "none"

// boolean is true or false, in the spellings that Felix takes.
func boolean() kind[bool] {
	return kind[bool]{name: "true or false", parse: parseBool, show: strconv.FormatBool, shape: booleanShape()}
}

func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "1", "yes", "y", "t":
		return true, nil
	case "false", "0", "no", "n", "f":
		return false, nil
	}
	return false, errors.New("must be true or false")
}

// Toggle is a switch with a third position: let the agent decide.
type Toggle uint8

// The positions of a Toggle.
const (
	Auto Toggle = iota
	On
	Off
)

// toggle is a Toggle, written true, false or, for Auto, nothing.
func toggle() kind[Toggle] {
	return kind[Toggle]{
		name: "true or false; unset decides by itself",
		parse: func(text string) (Toggle, error) {
			on, err := parseBool(text)
			if on {
				return On, err
			}
			return Off, err
		},
		show:  func(t Toggle) string { return [...]string{"", "true", "false"}[t] },
		shape: booleanShape(),
	}
}

// integer is a whole number from least to most, decimal or 0x hexadecimal.
func integer(least, most int) kind[int] {
	allowed := fmt.Sprintf("whole number, %d to %d", least, most)
	if most == math.MaxInt32 {
		allowed = fmt.Sprintf("whole number, %d or more", least)
	}
	return kind[int]{
		name: allowed,
		parse: func(text string) (int, error) {
			n, err := strconv.ParseInt(text, 0, 64)
			if err != nil || n < int64(least) || n > int64(most) {
				return 0, errors.New("must be a " + allowed)
			}
			return int(n), nil
		},
		show:     strconv.Itoa,
		required: least > 0,
		shape:    wholeShape(least, most),
	}
}

// mebibytes is a size in MiB, kept in bytes.
func mebibytes(most int) kind[int64] {
	whole := integer(1, most)
	return kind[int64]{
		name: "MiB, " + whole.name,
		parse: func(text string) (int64, error) {
			n, err := whole.parse(text)
			return int64(n) << 20, err
		},
		show:     func(bytes int64) string { return strconv.FormatInt(bytes>>20, 10) },
		required: true,
	}
}

// duration is a time span: a bare number counts in the given unit, as Felix has it in
// the environment; "90s" or "1m30s" says its own, as in a FelixConfiguration.
func duration(unit time.Duration) kind[time.Duration] {
	allowed := map[time.Duration]string{
		time.Second: "seconds, or a duration like 90s", time.Millisecond: "milliseconds, or a duration like 50ms",
	}[unit]
	return kind[time.Duration]{
		name: allowed,
		parse: func(text string) (time.Duration, error) {
			d, err := parseDuration(text, unit)
			if err != nil {
				return 0, fmt.Errorf("must be %s, from 0 to 10 years", allowed)
			}
			return d, nil
		},
		show:  showDuration,
		shape: durationShape(),
	}
}

func parseDuration(text string, unit time.Duration) (time.Duration, error) {
	const longest = 10 * 365 * 24 * time.Hour
	d, err := time.ParseDuration(text)
	if n, bare := strconv.ParseFloat(text, 64); bare == nil {
		// Compared as a number first: a NaN or a huge one has no time.Duration.
		if !(n >= 0 && n <= float64(longest/unit)) {
			return 0, errors.New("out of range")
		}
		d, err = time.Duration(n*float64(unit)), nil
	}
	if err != nil || d < 0 || d > longest {
		return 0, errors.New("out of range")
	}
	return d, nil
}

// showDuration writes whole seconds as such, "90s" rather than "1m30s".
func showDuration(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return d.String()
}

// oneOf is one of the given words, in any case.
func oneOf[T ~string](words ...T) kind[T] {
	var names []string
	for _, w := range words {
		names = append(names, string(w))
	}
	allowed := strings.Join(names, ", ")
	return kind[T]{
		name: "one of " + allowed,
		parse: func(text string) (T, error) {
			for _, w := range words {
				if strings.EqualFold(text, string(w)) {
					return w, nil
				}
			}
			return "", errors.New("must be one of " + allowed)
		},
		show:     func(w T) string { return string(w) },
		required: true,
		shape:    wordShape(names),
	}
}

// orNone allows the word "none" beside a kind's own values.
func orNone[T any](k kind[T]) kind[T] {
	k.name += ", or none"
	k.required = false
	if len(k.shape.markers) == 1 {
		k.shape.markers = []string{strings.Replace(k.shape.markers[0], ")?$", "|none)?$", 1)}
	}
	return k
}

// line is text of at most longest bytes.
func line(longest int) kind[string] {
	return kind[string]{
		name: fmt.Sprintf("text, up to %d bytes", longest),
		parse: func(text string) (string, error) {
			if len(text) > longest {
				return "", fmt.Errorf("must be at most %d bytes", longest)
			}
			return text, nil
		},
		show: func(text string) string { return text },
	}
}

// path is the name of a file or directory. Whether it exists is seen on use.
func path() kind[string] {
	k := line(4095)
	k.name = "path"
	return k
}

// pattern is a regular expression in Go's syntax, nil where unset.
func pattern() kind[*regexp.Regexp] {
	return kind[*regexp.Regexp]{
		name:  "regular expression",
		parse: regexp.Compile,
		show: func(r *regexp.Regexp) string {
			if r == nil {
				return ""
			}
			return r.String()
		},
	}
}
