package convert

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Annotations on a pod that the CNI plugins write or read.
const (
	annotationPodIPs         = "cni.projectcalico.org/podIPs"
	annotationPodIP          = "cni.projectcalico.org/podIP"
	annotationAmazonPodIPs   = "vpc.amazonaws.com/pod-ips"
	annotationAllowedSources = "cni.projectcalico.org/allowedSourcePrefixes"
)

// InterfaceName is the name that the Calico CNI plugin gives the host side of a pod's
// veth pair: the prefix and the first 11 hex digits of SHA-1 over "namespace.name".
func InterfaceName(prefix, namespace, name string) string {
	sum := sha1.Sum([]byte(namespace + "." + name))
	return prefix + hex.EncodeToString(sum[:])[:11]
}

// pod converts a Pod. Those on the host network and those not scheduled yet are no
// endpoints.
func (c *Converter) pod(p *corev1.Pod) Result {
	r := result(model.KindPod, p.Namespace, p.Name, nil)
	if p.Spec.HostNetwork || p.Spec.NodeName == "" {
		return r
	}
	account := p.Spec.ServiceAccountName
	if account == "" {
		account = "default"
	}
	r.Value = &model.Pod{
		Node:           p.Spec.NodeName,
		Interface:      InterfaceName(c.prefix, p.Namespace, p.Name),
		Labels:         podLabels(p, account),
		ServiceAccount: account,
		Claims:         r.claims(p),
		Ports:          r.namedPorts(p),
		AllowedSources: r.allowedSources(p.Annotations[annotationAllowedSources]),
	}
	return r
}

// podLabels are the pod's labels and those that Calico adds; a label of the pod's own
// by such a name does not count.
func podLabels(p *corev1.Pod, account string) map[string]string {
	labels := make(map[string]string, len(p.Labels)+3)
	maps.Copy(labels, p.Labels)
	labels[model.LabelNamespace] = p.Namespace
	labels[model.LabelOrchestrator] = model.OrchestratorK8s
	delete(labels, model.LabelServiceAccount)
	if len(account) <= maxLabelValue {
		labels[model.LabelServiceAccount] = account
	}
	return labels
}

// maxLabelValue is the length that Kubernetes allows a label's value.
const maxLabelValue = 63

// claims collects the addresses by who says so.
func (r *Result) claims(p *corev1.Pod) model.AddressClaims {
	claims := model.AddressClaims{Released: released(p)}
	for i, ip := range p.Status.PodIPs {
		claims.Status = r.claim(claims.Status, fmt.Sprintf("status.podIPs[%d].ip", i), ip.IP)
	}
	if len(p.Status.PodIPs) == 0 && p.Status.PodIP != "" {
		claims.Status = r.claim(claims.Status, "status.podIP", p.Status.PodIP)
	}
	for _, name := range []string{annotationPodIPs, annotationPodIP, annotationAmazonPodIPs} {
		if text := p.Annotations[name]; text != "" {
			for _, one := range strings.Split(text, ",") {
				claims.Annotated = r.claim(claims.Annotated, "metadata.annotations["+name+"]", strings.TrimSpace(one))
			}
			break
		}
	}
	return claims
}

// released says whether the pod has given its addresses back: it has finished, or the
// CNI plugin, tearing it down, has emptied the annotation.
func released(p *corev1.Pod) bool {
	if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
		return true
	}
	for _, name := range []string{annotationPodIPs, annotationPodIP} {
		if text, present := p.Annotations[name]; present {
			return strings.TrimSpace(text) == ""
		}
	}
	return false
}

// claim adds the address in text, which may be written as a host prefix.
func (r *Result) claim(to []netip.Addr, field, text string) []netip.Addr {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		if prefix, err := netip.ParsePrefix(text); err == nil && family.IsHost(prefix) {
			addr = prefix.Addr()
		}
	}
	if addr.Zone() != "" || !addr.Unmap().IsGlobalUnicast() {
		r.problem(model.Failure, field, text, "is not an address that a pod can have")
		return to
	}
	return append(to, addr.Unmap())
}

// namedPorts lists the ports of all containers that have names, those of init
// containers too: a sidecar is one.
func (r *Result) namedPorts(p *corev1.Pod) []model.NamedPort {
	var ports []model.NamedPort
	for _, containers := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range containers {
			for _, port := range containers[i].Ports {
				if port.Name == "" {
					continue
				}
				proto, ok := kubernetesProtocol(port.Protocol)
				if !ok || port.ContainerPort < 1 || port.ContainerPort > 65535 {
					r.problem(model.Failure, "spec.containers."+containers[i].Name+".ports."+port.Name,
						fmt.Sprintf("%s/%d", port.Protocol, port.ContainerPort), "is not a port")
					continue
				}
				ports = append(ports, model.NamedPort{Name: port.Name, Protocol: proto, Port: uint16(port.ContainerPort)})
			}
		}
	}
	return ports
}

// kubernetesProtocol reads the protocol of a port; an empty one is TCP.
func kubernetesProtocol(p corev1.Protocol) (model.Protocol, bool) {
	switch p {
	case "", corev1.ProtocolTCP:
		return model.TCP, true
	case corev1.ProtocolUDP:
		return model.UDP, true
	case corev1.ProtocolSCTP:
		return model.SCTP, true
	}
	return model.AnyProtocol, false
}

// allowedSources reads the annotation's JSON list of nets.
func (r *Result) allowedSources(text string) []netip.Prefix {
	if text == "" {
		return nil
	}
	const field = "metadata.annotations[" + annotationAllowedSources + "]"
	var list []string
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		r.problem(model.Failure, field, text, "is not a JSON list of nets; no further source is allowed")
		return nil
	}
	var nets []netip.Prefix
	for _, one := range list {
		net, err := netip.ParsePrefix(one)
		if err != nil || net.Masked() != net {
			r.problem(model.Failure, field, one, "is not a net; it is not allowed as a source")
			continue
		}
		nets = append(nets, net)
	}
	return nets
}
