package api

import (
	"errors"
	"strconv"
	"strings"
)

// ASNumber is a BGP autonomous system number as it is written: a number of 32 bits, or two of 16 with a dot
// between ("1.10", RFC 5396).
//
// +kubebuilder:validation:XIntOrString
// +kubebuilder:validation:Type=""
// +kubebuilder:validation:MaxLength=11
// +kubebuilder:validation:Pattern=`^[0-9]{1,10}$|^[0-9]{1,5}\.[0-9]{1,5}$`
// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 0 && self <= 4294967295 : self.contains('.') ? self.split('.').all(n, int(n) <= 65535) : int(self) <= 4294967295",message="not an AS number"
type ASNumber string

// Number returns the number of 32 bits.
func (n ASNumber) Number() (uint32, error) {
	high, low, dotted := strings.Cut(string(n), ".")
	if !dotted {
		v, err := strconv.ParseUint(high, 10, 32)
		if err != nil {
			return 0, errors.New("not an AS number")
		}
		return uint32(v), nil
	}
	h, err1 := strconv.ParseUint(high, 10, 16)
	l, err2 := strconv.ParseUint(low, 10, 16)
	if err1 != nil || err2 != nil {
		return 0, errors.New("not an AS number")
	}
	return uint32(h)<<16 | uint32(l), nil
}

// UnmarshalJSON takes a string or a number.
func (n *ASNumber) UnmarshalJSON(b []byte) error { return unmarshalWord(b, (*string)(n)) }

func (ps *problems) asNumber(p *path, n ASNumber) {
	if n == "" {
		return
	}
	if _, err := n.Number(); err != nil {
		ps.add(p, string(n), err.Error())
	}
}
