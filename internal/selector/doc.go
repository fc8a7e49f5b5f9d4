// Package selector is Calico's label selector language: text in, a predicate on labels out.
//
//	expression := and { "||" and }
//	and        := operand { "&&" operand }
//	operand    := { "!" } ( "(" expression ")" | test )
//	test       := "all()" | "global()" | "has(" label ")"
//	            | label ( "==" | "!=" | "contains" | "starts with" | "ends with" ) value
//	            | label ( "in" | "not in" ) "{" [ value { "," value } [ "," ] ] "}"
//	label      := one or more of a-z A-Z 0-9 _ . / -
//	value      := text in 'single' or "double" quotes; there is no escape character
//
// The empty text means all(). The words startswith, endswith and notin are accepted as
// well, as Calico's tokenizer does (libcalico-go/lib/selector/tokenizer); line breaks count
// as white space here, because YAML block scalars bring them, where Calico refuses them.
//
// A negative test (!=, not in, !has) holds for labels that are absent; so "a != 'x'" and
// "!(a == 'x')" are one and the same.
//
// # Canonical form
//
// A Selector is immutable and always in canonical form: negations stand at the tests,
// nested && and || are flattened, operands and values are sorted and unique, all() is
// absorbed, and tests that mean the same are written the same (a in {"x"} is a == "x").
// Selectors with the same String are the same predicate, so that sets can be shared by it;
// the reverse is not promised.
//
// # Whose labels
//
// What finally carries labels is an endpoint or a network set, with the labels of its
// namespace and service account inherited under the prefixes pcns. and pcsa. A Scope says
// about whose labels a text speaks; ParseIn turns it into a selector of endpoint labels.
package selector
