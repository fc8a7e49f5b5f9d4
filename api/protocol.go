package api

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// Protocol is an IP protocol as it is written in a rule: a name (TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite, in
// any case) or a number from 1 to 255. Whatever else was written is kept as it is, for Validate to report.
// The API server admits IPv4 and IPv6, which the agent reads as meant or reports.
//
// +kubebuilder:validation:XIntOrString
// +kubebuilder:validation:Type=""
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:Pattern=`^((?i:tcp|udp|icmp|icmpv6|sctp|udplite|ipv4|ipv6)|0*([1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5]))$`
// +kubebuilder:validation:XValidation:rule="type(self) != int || self >= 1 && self <= 255",message="must be a protocol's name, or its number from 1 to 255"
type Protocol string

// Number returns the protocol number of the IANA registry; an error if this is no protocol.
func (p Protocol) Number() (uint8, error) {
	switch strings.ToLower(string(p)) {
	case "icmp":
		return 1, nil
	case "tcp":
		return 6, nil
	case "udp":
		return 17, nil
	case "icmpv6":
		return 58, nil
	case "sctp":
		return 132, nil
	case "udplite":
		return 136, nil
	}
	if v := p.IPVersion(); v != 0 {
		return 0, errors.New("no protocol that a rule can name, write ipVersion: " + strconv.Itoa(v))
	}
	n, err := strconv.ParseUint(string(p), 10, 8)
	if err != nil || n == 0 {
		return 0, errors.New("must be TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite or a number from 1 to 255")
	}
	return uint8(n), nil
}

// HasPorts reports whether packets of the protocol carry ports that a rule can match. Calico's rules know
// ports of TCP, UDP and SCTP only; UDPLite is not among them.
func (p Protocol) HasPorts() bool {
	n, err := p.Number()
	return err == nil && (n == 6 || n == 17 || n == 132)
}

// IPVersion returns 4 or 6 where the name of an IP version stands in a protocol field, as people do write
// ("protocol: IPv6") when they mean ipVersion; 0 otherwise.
func (p Protocol) IPVersion() int {
	switch strings.ToLower(string(p)) {
	case "ipv4":
		return 4
	case "ipv6":
		return 6
	}
	return 0
}

// UnmarshalJSON takes a string or a number.
func (p *Protocol) UnmarshalJSON(b []byte) error {
	return unmarshalWord(b, (*string)(p))
}

// unmarshalWord reads a JSON string or number as the text that was written.
func unmarshalWord(b []byte, to *string) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, to)
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil || n == "" {
		return errors.New("want a number or a string")
	}
	*to = n.String()
	return nil
}
