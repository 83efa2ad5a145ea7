package auth

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ruleMax and depthMax bound a rule: bytes, and levels of parentheses and nots.
const (
	ruleMax  = 8 << 10
	depthMax = 50
)

// RuleError says what is wrong with a rule, and where.
type RuleError struct {
	// Rule is the text, Column the character in it, counted from 1, and Length how many characters are meant.
	Rule           string
	Column, Length int
	// Reason is what is wrong; Hint is what to write instead, or "".
	Reason, Hint string
}

// Error gives the reason, and the rule with the place below it.
func (e *RuleError) Error() string {
	text := e.Reason
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	if len(e.Rule) > 200 || strings.ContainsAny(e.Rule, "\n\r\t") {
		return fmt.Sprintf("%s (character %d)", text, e.Column)
	}
	return fmt.Sprintf("%s\n  %s\n  %s^%s", text, e.Rule, strings.Repeat(" ", e.Column-1), strings.Repeat("~", max(e.Length-1, 0)))
}

// token is a piece of a rule: a parenthesis, a word of the language, or a check.
type token struct {
	kind string // "(", ")", "and", "or", "not", "check" or "end"
	text string
	at   int // byte offset in the rule
}

// parseRule reads a rule's text. As in oslo.policy an empty one allows everything, but one of blanks doesn't; "and" binds more than "or", and "not" most.
func parseRule(text string) (check, *RuleError) {
	p := &ruleParser{text: text}
	if len(text) > ruleMax {
		return nil, p.fail(token{}, fmt.Sprintf("the rule has %d bytes, more than the allowed %d", len(text), ruleMax), "")
	}
	if !utf8.ValidString(text) {
		return nil, p.fail(token{}, "the rule isn't valid UTF-8", "")
	}
	if text == "" {
		return always{}, nil
	}
	p.tokens = tokenize(text)
	c, err := p.or(0)
	if err == nil && p.peek().kind != "end" {
		err = p.unexpected("\"and\", \"or\" or the end")
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// tokenize splits at blanks, and takes parentheses from the words' ends; those inside belong to %(name)s.
func tokenize(text string) []token {
	var tokens []token
	for at := 0; at < len(text); {
		rest := text[at:]
		if trimmed := strings.TrimLeftFunc(rest, unicode.IsSpace); len(trimmed) < len(rest) {
			at += len(rest) - len(trimmed)
			continue
		}
		end := strings.IndexFunc(rest, unicode.IsSpace)
		if end < 0 {
			end = len(rest)
		}
		word := rest[:end]
		for len(word) > 0 && word[0] == '(' {
			tokens, word, at = append(tokens, token{"(", "(", at}), word[1:], at+1
		}
		clean := strings.TrimRight(word, ")")
		if clean != "" {
			kind := "check"
			if lower := strings.ToLower(clean); lower == "and" || lower == "or" || lower == "not" {
				kind = lower
			}
			tokens = append(tokens, token{kind, clean, at})
		}
		for i := range len(word) - len(clean) {
			tokens = append(tokens, token{")", ")", at + len(clean) + i})
		}
		at += len(word)
	}
	return append(tokens, token{"end", "", len(text)})
}

type ruleParser struct {
	text   string
	tokens []token
}

func (p *ruleParser) peek() token { return p.tokens[0] }

// accept takes the next token if it is of the kind.
func (p *ruleParser) accept(kind string) bool {
	if p.peek().kind != kind {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

func (p *ruleParser) or(depth int) (check, *RuleError) {
	return p.list("or", depth, p.and, func(c []check) check { return some(c) })
}

func (p *ruleParser) and(depth int) (check, *RuleError) {
	return p.list("and", depth, p.not, func(c []check) check { return all(c) })
}

func (p *ruleParser) list(word string, depth int, item func(int) (check, *RuleError), group func([]check) check) (check, *RuleError) {
	var checks []check
	for {
		c, err := item(depth)
		if err != nil {
			return nil, err
		}
		checks = append(checks, c)
		if !p.accept(word) {
			break
		}
	}
	if len(checks) == 1 {
		return checks[0], nil
	}
	return group(checks), nil
}

func (p *ruleParser) not(depth int) (check, *RuleError) {
	t := p.peek()
	if depth > depthMax {
		return nil, p.fail(t, fmt.Sprintf("more than %d levels of parentheses and nots", depthMax), "")
	}
	switch {
	case p.accept("not"):
		inner, err := p.not(depth + 1)
		return not{inner}, err
	case p.accept("("):
		inner, err := p.or(depth + 1)
		if err == nil && !p.accept(")") {
			err = p.unexpected("\"and\", \"or\" or \")\"")
		}
		return inner, err
	case p.accept("check"):
		return p.check(t)
	}
	return nil, p.unexpected("a check, as role:admin")
}

func (p *ruleParser) unexpected(want string) *RuleError {
	t := p.peek()
	if t.kind == "end" {
		return p.fail(t, "the rule ends where "+want+" should be", "")
	}
	return p.fail(t, fmt.Sprintf("%q is where %s should be", clip(t.text), want), "")
}

func (p *ruleParser) fail(t token, reason, hint string) *RuleError {
	return &RuleError{
		Rule: p.text, Column: 1 + utf8.RuneCountInString(p.text[:t.at]), Length: utf8.RuneCountInString(t.text),
		Reason: reason, Hint: hint,
	}
}

// number is what we take from Python's literals besides texts and names.
var number = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// check reads kind:match, @ and !.
func (p *ruleParser) check(t token) (check, *RuleError) {
	switch t.text {
	case "@":
		return always{}, nil
	case "!":
		return never{}, nil
	}
	kind, match, colon := strings.Cut(t.text, ":")
	if !colon {
		return nil, p.notACheck(t)
	}
	if kind == "rule" {
		if match == "" {
			return nil, p.fail(t, "rule: without a name", "")
		}
		return &reference{name: match, at: t.at}, nil
	}
	filled, offset, reason := parseTemplate(match)
	if reason != "" {
		at := len(kind) + 1 + offset
		return nil, p.fail(token{text: t.text[at:], at: t.at + at}, reason, "")
	}
	left := token{text: kind, at: t.at}
	switch text, isLiteral := pythonLiteral(kind); {
	case kind == "role":
		return hasRole{filled}, nil
	case kind == "http" || kind == "https":
		return nil, p.fail(left, "rules that ask another server aren't supported", "")
	case isLiteral:
		return literal{source: kind, text: text, match: filled}, nil
	case attributes[kind] != nil:
		return attribute{name: kind, match: filled}, nil
	}
	known := append([]string{"role", "rule"}, slices.Sorted(maps.Keys(attributes))...)
	return nil, p.fail(left, fmt.Sprintf("%q is no attribute of whoever makes a request", clip(kind)), didYouMean(kind, known))
}

// pythonLiteral reads the left side of a check that Python would take for a value: its text as str() has it.
func pythonLiteral(kind string) (string, bool) {
	if kind == "True" || kind == "False" || kind == none || number.MatchString(kind) {
		return kind, true
	}
	if n := len(kind); n >= 2 && (kind[0] == '\'' || kind[0] == '"') && kind[n-1] == kind[0] {
		if inner := kind[1 : n-1]; !strings.ContainsAny(inner, `\'"`) {
			return inner, true
		}
	}
	return "", false
}

// notACheck says what to do about a word that has no colon.
func (p *ruleParser) notACheck(t token) *RuleError {
	hint := didYouMean(strings.ToLower(t.text), []string{"and", "or", "not"})
	switch {
	case t.text[0] == '"' || t.text[0] == '\'':
		hint = "a text stands on the left of a colon: 'member':%(role)s"
	case hint == "":
		hint = fmt.Sprintf("did you mean %s or %s?", strconv.Quote("role:"+clip(t.text)), strconv.Quote("rule:"+clip(t.text)))
	}
	return p.fail(t, fmt.Sprintf("%q is no check: those have a colon, as role:admin", clip(t.text)), hint)
}
