package config

import (
	"fmt"
	"strings"
)

// Document writes the table as docs/configuration.md.
func (t *Table) Document() string {
	var md strings.Builder
	md.WriteString(documentIntro)
	for _, g := range t.groups {
		documentGroup(&md, g)
	}
	md.WriteString(documentWithout)
	for _, g := range t.without {
		for _, s := range g.Settings {
			fmt.Fprintf(&md, "| `%s` | %s | %s |\n", s.Env(), code(s.Field), cell(s.NoEffect))
		}
	}
	return md.String()
}

func documentGroup(md *strings.Builder, g Group) {
	fmt.Fprintf(md, "\n## %s\n\n", g.Title)
	if g.Intro != "" {
		md.WriteString(g.Intro + "\n\n")
	}
	md.WriteString("| Environment | FelixConfiguration | Type | Default | Change | What it does |\n")
	md.WriteString("|---|---|---|---|---|---|\n")
	for _, s := range g.Settings {
		change := "live"
		if s.Restart {
			change = "restart"
		}
		help := s.Help
		if s.Differs != "" {
			help += " *" + s.Differs + "*"
		}
		if s.NotYet != "" {
			help += " **No effect yet:** " + s.NotYet + "."
		}
		fmt.Fprintf(md, "| `%s` | %s | %s | %s | %s | %s |\n",
			s.Env(), code(s.Field), cell(s.Value.Type()), code(s.Default), change, cell(help))
	}
}

// code sets text as code in a table cell; nothing is a dash.
func code(text string) string {
	if text == "" {
		return "–"
	}
	return "`" + cell(text) + "`"
}

// cell keeps text from ending its table cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

const documentIntro = `# Configuration

<!-- Generated from the table in internal/config by "go generate ./internal/config". Do not edit. -->

Names and defaults are those of Calico's Felix, so that what was written for Felix can stay as it is. Where
Margay differs, the setting's row says so *in italics*.

A setting can be made in several places; the highest that has it wins:

1. a flag of ` + "`agent run`" + `;
2. the environment, as ` + "`FELIX_…`" + ` (the case of the name does not count);
3. the file ` + "`" + DefaultFile + "`" + `, with lines ` + "`Name = value`" + ` where the name is the variable's without ` + "`FELIX_`" + `;
4. the FelixConfiguration ` + "`node.<name of the node>`" + `;
5. FelixConfigurations whose ` + "`nodeSelector`" + ` matches the node, the first by name before the others;
6. the FelixConfiguration ` + "`default`" + `;
7. the default below.

A setting with no FelixConfiguration field can only be made in the first three.

- An empty value counts as not set. The word ` + "`none`" + ` sets to nothing: no address, an empty list, zero, false.
- A duration is a number in the unit named (` + "`90`" + `) or carries its own (` + "`90s`, `1m30s`" + `); a FelixConfiguration has the latter.
- A value that cannot be used is reported with what is allowed, and stops nothing: the last good value of the same
  place holds, else that of the next place, else the default. So is a name that is not known, with the nearest that is.
- A change takes effect in the running agent where the row says *live*. Where it says *restart*, the agent goes on
  with the old value and reports that one waits.

` + "`agent dump settings`" + ` prints every setting with its value and where it comes from.
`

const documentWithout = `
## Settings of Felix's without effect

These are known and accepted, so that an environment or FelixConfiguration made for Felix loads as it stands. Each
is reported once, with the reason.

| Environment | FelixConfiguration | Why |
|---|---|---|
`
