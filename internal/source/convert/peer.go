package convert

import (
	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/selector"
)

// peer converts one end of a rule, less the conditions that cannot be understood.
func (c *ruleConverter) peer(end string, e *api.EntityRule) model.Peer {
	var p model.Peer
	if !c.bad[end+".nets"] {
		p.Nets = nets(e.Nets)
	}
	if !c.bad[end+".notNets"] {
		p.NotNets = nets(e.NotNets)
	}
	if e.Services != nil {
		c.refuse(end+".services", e.Services.Name, "matches of services are not supported yet")
	}
	p.Selector = c.selector(end, e)
	if e.NotSelector != "" {
		if not, err := selector.Parse(e.NotSelector); err == nil {
			p.NotSelector = not.String()
		} else if !c.bad[end+".notSelector"] {
			c.refuse(end+".notSelector", e.NotSelector, err.Error())
		}
	}
	p.Ports, p.NamedPorts = c.ports(end+".ports", e.Ports)
	p.NotPorts, p.NotNamedPorts = c.ports(end+".notPorts", e.NotPorts)
	return p
}

// selector joins what an end says of labels: its selector, its service accounts, and
// the namespaces that both are meant in. In a policy of one namespace that names no
// others, that is its own. What cannot be read is left out.
func (c *ruleConverter) selector(end string, e *api.EntityRule) string {
	var parts []*selector.Selector
	add := func(field, text string, p part) {
		if p.err != nil && !c.bad[end+field] {
			c.refuse(end+field, text, p.err.Error())
		}
		if p.err == nil {
			parts = append(parts, p.selector)
		}
	}
	switch {
	case e.NamespaceSelector != "":
		add(".namespaceSelector", e.NamespaceSelector, has(selector.ParseIn(selector.Namespaces, e.NamespaceSelector)))
	case c.namespace != "" && (e.Selector != "" || e.NotSelector != "" || e.ServiceAccounts != nil):
		add(".namespaceSelector", c.namespace, inNamespace(c.namespace))
	}
	if e.Selector != "" {
		add(".selector", e.Selector, has(selector.Parse(e.Selector)))
	}
	if sa := e.ServiceAccounts; sa != nil {
		if len(sa.Names) > 0 {
			add(".serviceAccounts", sa.Names[0], has(selector.OneOf(model.LabelServiceAccount, sa.Names...)))
		}
		if sa.Selector != "" || len(sa.Names) == 0 {
			add(".serviceAccounts", sa.Selector, anyServiceAccount(sa.Selector))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return selector.And(parts...).String()
}

// anyServiceAccount selects pods of service accounts with these labels; with none given,
// of any service account.
func anyServiceAccount(text string) part {
	if text == "" {
		text = "all()"
	}
	return has(selector.ParseIn(selector.ServiceAccounts, text))
}

// ports reads ports; a list with one that cannot be read is left out whole.
func (c *ruleConverter) ports(name string, list []api.Port) (ranges []model.PortRange, names []string) {
	if c.bad[name] {
		return nil, nil
	}
	for _, p := range list {
		parsed, err := p.Parse()
		if err != nil {
			c.refuse(name, string(p), err.Error())
			return nil, nil
		}
		if parsed.Name != "" {
			names = append(names, parsed.Name)
			continue
		}
		ranges = append(ranges, model.PortRange{First: parsed.First, Last: parsed.Last})
	}
	return ranges, names
}
