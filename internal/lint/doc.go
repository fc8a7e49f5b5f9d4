// Package lint holds the rules of the house that no ready-made linter has words for, as tests
// over the whole tree: who may import whom, how long a file and a function may be, that nothing
// happens on import, and that no code exists once per address family.
//
// Every rule has a list of exceptions, each with its reason. An exception that is no longer
// needed fails the test, so that the lists can only shrink.
package lint
