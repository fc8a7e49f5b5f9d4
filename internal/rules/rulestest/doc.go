// Package rulestest draws random policies, packets and nodes for property tests, from
// small worlds in which most things meet: few addresses, few ports, few sets. The tests
// of the evaluator and those of every backend share it, so that they ask the same
// questions.
package rulestest
