package api

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Port is a port of a rule as it is written: a number, a range "first:last" (both included), or the name of
// a port of the endpoint. Whatever else was written is kept as it is, for Validate to report. That a range does
// not end before it begins is for deploy/crds/policy-fields.yaml: a rule here would cost more than the API server
// allows.
//
// +kubebuilder:validation:XIntOrString
// +kubebuilder:validation:Type=""
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:Pattern=`^(([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?|[A-Za-z0-9_.-]*[A-Za-z][A-Za-z0-9_.-]*)$`
// +kubebuilder:validation:XValidation:rule="type(self) != int || self >= 1 && self <= 65535",message="port must be from 1 to 65535"
type Port string

// PortRange is what a Port says: the numbers from First to Last, or a name.
//
// +kubebuilder:object:generate=false
type PortRange struct {
	First, Last uint16
	// Name is that of a named port; First and Last are 0 then.
	Name string
}

// Parse returns what p says. Numbers are from 1 to 65535. A name needs a letter, as Kubernetes demands of
// the names of container ports: "80-90" is therefore no name, but a range in the wrong spelling.
func (p Port) Parse() (PortRange, error) {
	s := string(p)
	if first, last, ok := strings.Cut(s, ":"); ok {
		return parseRange(s, first, last)
	}
	if allDigits(strings.TrimPrefix(s, "-")) {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil || n == 0 {
			return PortRange{}, errors.New("port must be from 1 to 65535")
		}
		return PortRange{First: uint16(n), Last: uint16(n)}, nil
	}
	if first, last, ok := strings.Cut(s, "-"); ok && allDigits(first) && allDigits(last) {
		return PortRange{}, fmt.Errorf("not a port, write the range as %s:%s", first, last)
	}
	if !portName(s) {
		return PortRange{}, errors.New("not a port: neither a number, nor a range first:last, nor a port's name")
	}
	return PortRange{Name: s}, nil
}

func parseRange(s, first, last string) (PortRange, error) {
	lo, err1 := strconv.ParseUint(first, 10, 16)
	hi, err2 := strconv.ParseUint(last, 10, 16)
	switch {
	case err1 != nil || err2 != nil || lo == 0:
		return PortRange{}, errors.New("not a port range, both ends must be numbers from 1 to 65535")
	case lo > hi:
		return PortRange{}, fmt.Errorf("port range ends before it begins, did you mean %d:%d", hi, lo)
	}
	return PortRange{First: uint16(lo), Last: uint16(hi)}, nil
}

// portName reports whether s can be the name of a port: Calico takes up to 128 letters, digits and _.-
func portName(s string) bool {
	letter := false
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			letter = true
		case c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-':
		default:
			return false
		}
	}
	return letter && len(s) <= 128
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// UnmarshalJSON takes a string or a number.
func (p *Port) UnmarshalJSON(b []byte) error {
	return unmarshalWord(b, (*string)(p))
}

// ports checks every element of a list of ports.
func (ps *problems) ports(p *path, ports []Port) {
	for i, port := range ports {
		if _, err := port.Parse(); err != nil {
			ps.add(p.item(i), string(port), err.Error())
		}
	}
}
