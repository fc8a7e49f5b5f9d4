// Package serve keeps small HTTP servers (health, metrics, profiles) bound where the
// settings say, while the settings change.
//
// What has gone wrong elsewhere: an agent that was told "localhost" bound 127.0.0.1 only, or
// failed outright on a node without one of the two loopback addresses, so that probes from an
// IPv6-only kubelet found nothing (projectcalico/calico#10972). Here "localhost" is both
// loopback addresses, whichever exist. And one that read its certificate when it started served
// that until after it had expired; here the files are read again when they have changed.
package serve
