package selector

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestErrors(t *testing.T) {
	const afterLabel = `, expected ==, !=, in, not in, contains, starts with or ends with`
	const operand = `, expected a label, has(, all(), global(), ! or (`
	for _, c := range []struct{ text, want string }{
		{`a`, `position 2: found the end` + afterLabel},
		{`a `, `position 3: found the end` + afterLabel},
		{`a b`, `position 3: found "b"` + afterLabel},
		{`a squiggles 'x'`, `position 3: found "squiggles"` + afterLabel},
		{`has (a)`, `position 5: found "("` + afterLabel},
		{`a == b`, `position 6: found "b", expected a quoted value`},
		{`a contains b`, `position 12: found "b", expected a quoted value`},
		{`a ==`, `position 5: found the end, expected a quoted value`},
		{`a = 'x'`, `position 3: found "= 'x'", expected ==`},
		{`a === 'x'`, `position 5: found "= 'x'", expected ==`},
		{`a starts 'x'`, `position 10: found "'x'", expected "with"`},
		{`a not 'x'`, `position 7: found "'x'", expected "in"`},
		{`a in 'x'`, `position 6: found "'x'", expected {`},
		{`a in {'x'`, `position 10: found the end, expected , or }`},
		{`a in {'x' 'y'}`, `position 11: found "'y'", expected , or }`},
		{`a in {'x',`, `position 11: found the end, expected a quoted value or }`},
		{`a in {,}`, `position 7: found ",", expected a quoted value or }`},
		{`a in {x}`, `position 7: found "x", expected a quoted value or }`},
		{`a == 'x`, `position 6: found "'x", expected a closing '`},
		{`a == "x'`, `position 6: found "\"x'", expected a closing "`},
		{`'x' == a`, `position 1: found "'x'"` + operand},
		{`!`, `position 2: found the end` + operand},
		{`()`, `position 2: found ")"` + operand},
		{`)`, `position 1: found ")"` + operand},
		{`(`, `position 2: found the end` + operand},
		{`(has(a)`, `position 8: found the end, expected &&, || or )`},
		{`has(a))`, `position 7: found ")", expected &&, || or the end`},
		{`has(a) has(b)`, `position 8: found "has", expected &&, || or the end`},
		{`has(a) &&`, `position 10: found the end` + operand},
		{`has(a) & has(b)`, `position 8: found "& has(b)", expected &&`},
		{`has(a) | has(b)`, `position 8: found "| has(b)", expected ||`},
		{`has()`, `position 5: found ")", expected a label`},
		{`has('a')`, `position 5: found "'a'", expected a label`},
		{`has(a b)`, `position 7: found "b", expected )`},
		{`all(a)`, `position 5: found "a", expected )`},
		{`global(`, `position 8: found the end, expected )`},
		{`a == 'x' %`, `position 10: found "%", expected an operator, a label or a quoted value`},
		{"a\x00", `position 2: found "\x00", expected an operator, a label or a quoted value`},
		{`a == 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`, `position 6: found "'aaaaaaaaaaaaaaaaaaaaaaa"..., expected a closing '`},
	} {
		_, err := Parse(c.text)
		var pe *ParseError
		switch {
		case err == nil:
			t.Errorf("%s: no error, want %s", c.text, c.want)
		case !errors.As(err, &pe):
			t.Errorf("%s: %T, want a *ParseError", c.text, err)
		case err.Error() != c.want:
			t.Errorf("%s\n is  %s\nwant %s", c.text, err, c.want)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("(", n) + "has(a)" + strings.Repeat(")", n) }
	if s, err := Parse(nested(MaxDepth)); err != nil || s.String() != "has(a)" {
		t.Errorf("%d parentheses: %v, %v", MaxDepth, s, err)
	}
	const want = `position 101: found "(" inside 100 others, expected fewer`
	if _, err := Parse(nested(MaxDepth + 1)); err == nil || err.Error() != want {
		t.Errorf("%d parentheses: %v, want %s", MaxDepth+1, err, want)
	}
	if _, err := Parse(strings.Repeat("(", MaxLength)); err == nil || err.Error() != want {
		t.Errorf("a megabyte of parentheses: %v, want %s", err, want)
	}
	// Side by side is not nested.
	if _, err := Parse(strings.Repeat("(has(a)) && ", 10*MaxDepth) + "has(b)"); err != nil {
		t.Error(err)
	}
	if s, err := Parse(strings.Repeat("!", MaxLength-6) + "has(a)"); err != nil || s.String() != "has(a)" {
		t.Errorf("a megabyte of negations: %v, %v", s, err)
	}
}

// TestDeepestCanBeReadBack nests as deep as may be, in the shapes that need parentheses.
func TestDeepestCanBeReadBack(t *testing.T) {
	for _, opening := range []string{
		"has(x) || has(y) && (", "has(x) && (has(y) || ", "!(has(x) || has(y) && ", "has(x) || !(has(y) || ",
	} {
		text := strings.Repeat(opening, MaxDepth) + "has(a) || has(b) && has(c)" + strings.Repeat(")", MaxDepth)
		s, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(s.String())
		if err != nil || again.String() != s.String() {
			t.Errorf("%s...: %v", opening, err)
		}
	}
}

func TestLengthIsBounded(t *testing.T) {
	if _, err := Parse(strings.Repeat(" ", MaxLength)); err != nil {
		t.Errorf("a megabyte of spaces: %v", err)
	}
	_, err := Parse(strings.Repeat(" ", MaxLength+1))
	if want := "1048577 bytes long, at most 1048576 are read"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	// The canonical form has spaces and prefixes and would not be read back.
	var text strings.Builder
	for i := 0; text.Len() < MaxLength-100; i++ {
		fmt.Fprintf(&text, "has(%d)||", i)
	}
	if _, err = Parse(text.String() + "all()"); err != nil {
		t.Errorf("all() absorbs the rest: %v", err)
	}
	_, err = ParseIn(Namespaces, text.String()+"has(a)")
	if err == nil || !strings.HasSuffix(err.Error(), "bytes long in canonical form, at most 1048576 are read") {
		t.Errorf("%v, want an error about the canonical form's length", err)
	}
}

func TestMustParsePanicsWithTheReason(t *testing.T) {
	defer func() {
		want := `selector "a ==": position 5: found the end, expected a quoted value`
		if r := recover(); r != want {
			t.Errorf("panic %v, want %s", r, want)
		}
	}()
	MustParse("a ==")
}

// FuzzParse wants no panic, and that what is read can be written, read again, and means the same.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		``, `all()`, `global()`, `!has(a) && b in {'x', "y",}`, `(a == 'x' || !(b not in {})) && c contains '"'`,
		`pcns.projectcalico.org/name startswith "ends with" || a ends with ''`, `a in {`, `((((`, "a == '\x00'\xff",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, scope := range []Scope{Endpoints, Namespaces, ServiceAccounts} {
			s, err := ParseIn(scope, text)
			if err != nil {
				continue
			}
			again, err := Parse(s.String())
			if err != nil || again.String() != s.String() {
				t.Fatalf("%q\n is read as   %s\n and again as %v, %v", text, s, again, err)
			}
			for _, labels := range []Map{nil, {"a": "x"}, {"a": "", "b": "y", "c": `"`}, {NamespaceLabel: "n"}} {
				if s.Matches(labels) == Not(s).Matches(labels) {
					t.Fatalf("%s and its opposite agree on %v", s, labels)
				}
			}
			s.Restrictions()
		}
	})
}
