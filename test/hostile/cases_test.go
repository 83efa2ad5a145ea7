package hostile

import (
	"fmt"
	"strings"
)

// attack is a text that somebody may send. want are texts of which the error holds one; "" is for what is fine, because it
// is harmless here.
type attack struct {
	name string
	lang string // "yaql", "jinja": an expression; "workflows", "yaml", "json": a document; see run
	text func() string
	want []string
}

const (
	steps  = "limit of 5000000 steps"
	items  = "limit of 20000000 items"
	depth  = "limit of 400 depth"
	output = "limit of 20000000 output"
	match  = "limit of time"
	bits   = "bits of an integer"
	nested = "RecursionError|maximum recursion|too deep|nested|levels"
)

func yaql(text string, want ...string) attack {
	return attack{text, "yaql", func() string { return text }, want}
}

func jinja(text string, want ...string) attack {
	return attack{text, "jinja", func() string { return text }, want}
}

func document(name, lang string, text func() string, want ...string) attack {
	return attack{name, lang, text, want}
}

// attacks are all cases of the library.
func attacks() []attack {
	return append(append(yaqlAttacks(), jinjaAttacks()...), append(deepAttacks(), documentAttacks()...)...)
}

func yaqlAttacks() []attack {
	return []attack{
		yaql("[0] * 2000000000", items),
		yaql("[[0] * 1000] * 19000000", output),
		yaql("'x' * 1000000000", items),
		yaql("range(1000000000000).toList()", items, steps),
		yaql("range(100000).select(range(100000).select($ * 2).sum()).sum()", steps),
		yaql("range(10000000).toDict($, [$])", items, steps),
		yaql("range(10000000).toDict(str($))", items, steps),
		yaql("range(10000000).groupBy($)", items, steps),
		yaql("range(10000000).select([$, $]).toSet()", items, steps),
		yaql("range(10000000).select({a => $}).toList()", items, steps),
		yaql("range(3000).toList().join(range(3000).toList(), true, [$1, $2])", items, steps),
		yaql("sequence()", steps, output),
		yaql("sequence().toList()", steps, items),
		yaql("sequence().where($ < 0).first()", steps),
		yaql("[1].cycle().toList()", steps, items),
		yaql("generateMany(1, [$, $]).len()", steps, items),
		yaql("9 ** 9 ** 9", "Lexical error", "Parse error"),
		yaql("pow(9, pow(9, 9))", bits),
		yaql("str(pow(9, 1000000))", steps, items, bits),
		yaql("range(40).aggregate($1 * $1, 12345678901)", bits, steps),
		yaql("shiftBitsLeft(1, 1000000000000)", bits),
		yaql("int('9' * 5000000)", steps, items, bits, "integer string conversion"),
		yaql("regex('(a+)+$').search('a' * 40 + 'b')", match),
		yaql("regex('(a|aa)+$').search('a' * 60 + 'b')", match),
		yaql("regex('(.*)*x').search('a' * 100000)", match, steps),
		yaql("('a' * 40 + 'b') =~ '^(([a-z])+.)+[A-Z]([a-z])+$'", match),
		yaql("regex('(x?){1000}{1000}').search('x' * 1000)", match, steps, items, "multiple repeat", "limit"),
		yaql("range(100000).select(regex('a' * $).search(a)).len()", steps, items),
		yaql("regex('a{1000000000}').search('a')", match, steps, items, "limit", "overflow", ""),
		yaql("regex('((((a{100}){100}){100}){100}){100}').search('a')", match, steps, items, "limit", ""),
		yaql("('x' * 1000).replace(x, 'y' * 1000000)", items),
		yaql("(',' * 100000).split(',').join('y' * 1000000)", items),
		yaql("range(60).aggregate($1 + $1, 'abc')", items),
		yaql("range(60).aggregate([$1, $1], 0)", output),
		yaql("json_dump(range(60).aggregate([$1, $1], 0))", items, steps),
		yaql("yaml_dump(range(60).aggregate([$1, $1], 0))", items),
		yaql("range(60).aggregate([$1, $1], 0) = range(60).aggregate([$1, $1], 0)", items),
		yaql("def(f, f($)) -> f(1)", depth),
		yaql("def(f, f($) + f($)) -> f(1)", depth),
		yaql("range(100000).aggregate([$1], 0)", depth, "nested"),
		yaql("json_parse('[' * 100000)", "nested", "recursion", "deeper"),
		yaql("yaml_parse('[' * 100000)", "nested", "recursion", "deeper"),
		yaql("json_parse('1' * 5000000)", items, steps, "digits", bits),
		yaql("'x'.join(range(5000000).select('y' * 1000))", items),
		yaql("range(5000000).select('y' * 1000).toList().len()", items),
		yaql("range(1000000).accumulate($1 + [$2], []).last().len()", items, steps, depth),
		yaql("range(10000000).orderBy(-$).first()", items, steps),
		yaql("range(5000000).select(datetime(2024, 1, 1) + timespan(days => $)).toList()", items, steps, "OverflowError", "range"),
	}
}

func jinjaAttacks() []attack {
	return []attack{
		jinja("{{ [0] * 2000000000 }}", items),
		jinja("{{ [[0] * 1000] * 19000000 }}", items, output),
		jinja("{{ 'a' * 10000000000 }}", items),
		jinja("{{ ('a' * 19000000) ~ ('a' * 19000000) ~ ('a' * 19000000) }}", items),
		jinja("{% set s = 'a' * 19000000 %}{{ "+strings.Repeat("s ~ ", 2000)+"s }}", items),
		jinja("{% set s = 'a' * 19000000 %}{% set x = ("+strings.Repeat("s, ", 2000)+"s)|string %}", items, steps),
		jinja("{{ range(10**9)|list }}", steps, items, "OverflowError", "Range too big"),
		jinja("{{ range(99999)|map('string')|map('center', 10000)|list }}", items),
		jinja("{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}", steps),
		jinja("{{ 9 ** (9 ** 9) }}", items),
		jinja("{{ (9 ** 1000000)|string|length }}", items, steps, "integer string conversion"),
		jinja("{{ ('9' * 5000000)|int }}", items, steps, "integer string conversion", ""),
		jinja("{{ 1 << 10 ** 10 }}", "expected token", "unexpected"),
		jinja("{{ '%1000000000d' % 1 }}", items),
		jinja("{{ '{:>1000000000}'.format(1) }}", items),
		jinja("{{ '{:{w}}'.format(1, w=10**9) }}", items),
		jinja("{{ ('{:10000}' * 10000).format(*range(10000)) }}", items),
		jinja("{{ ('%10000d' * 10000) % (1,) * 10000 }}", items, "not enough arguments"),
		jinja("{{ 'x'|center(10**9) }}", items),
		jinja("{{ ('a\\n' * 100000)|indent(10000) }}", items),
		jinja("{{ [1]|batch(10**9, 0)|list }}", items),
		jinja("{{ [1]|slice(10**9)|list }}", items),
		jinja("{{ ('a' * 1000000)|replace('', 'b' * 1000) }}", items),
		jinja("{{ ('b' * 1000000)|join('a' * 1000) }}", items),
		jinja("{{ range(99999)|map('tojson', 10**6)|list }}", items, ""),
		jinja("{{ [[1]]|tojson(10**9) }}", items),
		jinja("{{ 'x'.ljust(10**12) }}", items),
		jinja("{{ 'a\\t'.expandtabs(10**10) }}", items),
		jinja("{{ (1).to_bytes(10**10, 'big') }}", items),
		jinja("{{ lipsum(n=10**9) }}", items),
		jinja("{{ ('<' * 5000000)|escape|length }}", items),
		jinja("{{ ('x ' * 1000000)|wordwrap(1, wrapstring='y' * 1000) }}", items),
		jinja("{{ ('a@b.co ' * 1000000)|urlize|length }}", items),
		jinja("{{ ('\\x00' * 5000000)|pprint }}", items),
		jinja("{% set l = [1] %}{% for i in range(64) %}{{ l.extend(l) }}{% endfor %}{{ l|length }}", items, steps),
		jinja("{% set l = [1] %}{% for i in l %}{{ l.append(i) or '' }}{% endfor %}", steps, items),
		jinja("{% set ns = namespace(l=0) %}{% for i in range(64) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}", items, steps),
		jinja("{% set ns = namespace(l=0) %}{% for i in range(64) %}{% set ns.l = {'a': ns.l, 'b': ns.l} %}{% endfor %}{{ ns.l|tojson }}", items, steps),
		jinja("{% set ns = namespace(d={}) %}{% for a in range(2000) %}{% for b in range(2000) %}{% set x = ns.d.update({(a, b): [a]}) %}{% endfor %}{% endfor %}", steps, items),
		jinja("{{ dict(range(99999)|map('string')|zip) }}", "No filter", "zip"),
		jinja("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", depth),
		jinja("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}", steps),
		jinja("{% macro f(n) %}{% if n %}{{ f(n - 1) ~ f(n - 1) }}{% endif %}x{% endmacro %}{{ f(30) }}", steps, items),
		jinja("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", depth),
		jinja("{{ cycler(*range(99999)).next() }}{% set c = cycler(1, 2) %}{% for i in range(99999) %}{% for j in range(999) %}{{ c.next() }}{% endfor %}{% endfor %}", steps),
		jinja("{{ json_parse('[' * 100000) }}", "nested", "recursion", "deeper"),
		jinja("{{ yaml_parse('{a: ' * 100000) }}", "nested", "recursion", "deeper"),
		jinja("{{ ('a' * 100000 + 'b') is match('(a+)+$') }}", "No test named"),
		jinja("{{ range(99999)|sort(attribute='a' * 100000) }}", "has no attribute", "limit"),
		jinja("{{ range(99999)|groupby('real')|list|length }}", "", steps),
		jinja("{{ ('1,' * 3000000).split(',')|map('int')|sum }}", items, steps),
		jinja("{{ (('a' * 1000) ~ 'b' * 1000000).translate({97: 'c' * 100000}) }}", items),
		jinja("{% set d = dict.fromkeys(range(99999)) %}{% for i in range(99999) %}{{ d.pop(i) }}{% endfor %}", items),
		jinja("{% set ns = namespace(d={}) %}{% for i in range(99999) %}{% set x = ns.d.update({i: 1}) %}{% endfor %}{% for i in range(99999) %}{% set x = ns.d.pop(i) %}{% endfor %}", items),
		jinja("{% set l = range(99999)|list %}{% for i in range(99999) %}{% set x = l.pop(0) %}{% endfor %}{% for i in range(99999) %}{% set x = l.insert(0, 1) %}{% endfor %}", items),
		jinja("{% set d = dict.fromkeys(range(99999)) %}{{ d.clear() }}", ""),
		jinja("{% set l = range(99999)|list %}{% for i in range(99999) %}{% set x = l.index(99998) %}{% endfor %}", steps),
		jinja("{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% set x = s.count('b') + s.find('c') %}{% endfor %}", steps),
		jinja("{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% set x = s == s ~ 'b' %}{% endfor %}", items),
		jinja("{% set s = 'ä' * 1000000 %}{% for i in range(99999) %}{% set x = s|length %}{% endfor %}", steps),
		jinja("{% set s = 'ä' * 1000000 %}{% for i in range(99999) %}{% set x = s|upper == s|lower %}{% endfor %}", steps, items),
		jinja("{% set l = range(99999)|list %}{% for i in range(99999) %}{% set x = l == range(99999)|list %}{% endfor %}", steps),
		jinja("{% set l = range(99999)|list %}{% for i in range(99999) %}{% set x = l < l %}{% endfor %}", steps),
		jinja("{% set l = range(99999)|list %}{% for i in range(99999) %}{% set x = l[::-1] %}{% endfor %}", steps, items),
		jinja("{% set n = 2 ** 1000000 %}{% for i in range(99999) %}{% set x = n // 3 %}{% endfor %}", steps, items),
		jinja("{% set n = 2 ** 1000000 %}{% for i in range(99999) %}{% set x = n == n %}{% endfor %}", steps, ""),
		jinja("{% set n = 2 ** 1000000 %}{% for i in range(99999) %}{% set x = n % 12345678901234567890 %}{% endfor %}", steps, items),
		yaql("let(d => range(99999).toDict($, $)) -> range(99999).select($d.delete($)).last().len()", steps, items),
		yaql("let(l => range(99999).toList()) -> range(99999).select($l.delete(0)).select($.len()).sum()", steps, items),
		yaql("let(l => range(99999).toList()) -> range(99999).select($l.indexOf(99998)).sum()", steps, items),
		yaql("let(s => 'ä' * 1000000) -> range(99999).select(len($s)).sum()", steps, items),
		yaql("let(s => 'a' * 1000000) -> range(99999).select($s.indexOf(b)).sum()", steps, items),
		yaql("let(s => 'a' * 1000000) -> range(99999).select($s = $s + '').len()", steps, items, ""),
		yaql("let(s => 'ä' * 1000000) -> range(99999).select($s.toUpper()).select(len($)).sum()", steps, items),
		yaql("let(n => pow(2, 1000000)) -> range(99999).select($n mod 12345678901234567890).sum()", bits),
		yaql("let(n => pow(2, 1000000)) -> range(99999).select($n / 3).last() > 0", bits),
		yaql("let(l => range(99999).toList()) -> range(99999).select($l = $l).len()", steps, items, ""),
		yaql("let(l => range(99999).toList()) -> range(99999).select($ in $l).len()", steps, items),
		yaql("let(s => range(99999).toSet()) -> range(99999).select($s.union($s)).select($.len()).sum()", steps, items),
		yaql("let(d => range(99999).toDict($, $)) -> range(99999).select($d.set($, 1)).select($.len()).sum()", steps, items),
		yaql("let(d => range(99999).toDict(str($), $)) -> range(99999).select($d.mergeWith($d)).select($.len()).sum()", steps, items),
		yaql("let(s => 'ab,' * 100000) -> range(99999).select($s.split(',')).select($.len()).sum()", steps, items),
		yaql("let(s => 'a' * 100000) -> range(99999).select(regex('[^b]*c').search($s)).len()", match, steps, items),
		yaql("let(s => 'a' * 100000) -> range(99999).select(regex('a').replace($s, b)).len()", match, steps, items),
		jinja("{{ ('ß' * 10000000).upper().casefold()|length }}", items),
	}
}

const deep = 100_000

func deepAttacks() []attack {
	rep := strings.Repeat
	out := []attack{}
	for name, text := range map[string]string{
		"brackets": rep("(", deep) + "1" + rep(")", deep), "lists": rep("[", deep) + rep("]", deep), "dicts": rep("{a => ", deep) + "1" + rep("}", deep),
		"not": rep("not ", deep) + "1", "minus": rep("-", deep) + "1", "sum": "1" + rep(" + 1", deep), "dots": "$" + rep(".a", deep),
		"calls": rep("str(", deep) + "1" + rep(")", deep), "arrows": rep("let(1) -> ", deep) + "1", "indexes": "$" + rep("[0]", deep),
		"open": rep("[", deep), "methods": "1" + rep(".str()", deep),
	} {
		out = append(out, document("YAQL, deep "+name, "yaql", func() string { return text }, nested, depth, "Parse error", "Lexical error"))
	}
	for name, text := range map[string]string{
		"brackets": "{{ " + rep("(", deep) + "1" + rep(")", deep) + " }}", "lists": "{{ " + rep("[", deep) + rep("]", deep) + " }}",
		"sum": "{{ 1" + rep(" + 1", deep) + " }}", "filters": "{{ 1" + rep("|abs", deep) + " }}", "attributes": "{{ _" + rep(".a", deep) + " }}",
		"ternaries": "{{ " + rep("1 if 1 else ", deep) + "1 }}", "blocks": rep("{% if 1 %}", deep) + "{{ 1 }}" + rep("{% endif %}", deep), "open": "{{ " + rep("[", deep) + " }}",
	} {
		out = append(out, document("Jinja, deep "+name, "jinja", func() string { return text }, nested))
	}
	return append(out,
		document("JSON, deep lists", "json", func() string { return rep("[", deep) + rep("]", deep) }, nested, "deeper"),
		document("JSON, deep objects", "json", func() string { return rep(`{"a":`, deep) + "1" + rep("}", deep) }, nested, "deeper"),
		document("JSON, a number of 5 million digits", "json", func() string { return rep("9", 5_000_000) }, "digits", "limit"),
		document("JSON, 1e999999999", "json", func() string { return "[1e999999999, -1e999999999]" }, "range", ""),
	)
}

func documentAttacks() []attack {
	rep := strings.Repeat
	task := "version: '2.0'\nw:\n  tasks:\n"
	return []attack{
		document("YAML, deep flow", "workflows", func() string { return rep("[", deep) }, "nested deeper than 100 levels"),
		document("YAML, deep block", "workflows", func() string { return rep("- ", deep) }, "nested deeper than 100 levels"),
		document("YAML, deep maps", "workflows", func() string { return rep("{a: ", deep) }, "nested deeper than 100 levels"),
		document("YAML, a billion laughs", "workflows", func() string {
			var b strings.Builder
			b.WriteString("version: '2.0'\nw:\n  tasks: {t: {action: std.noop}}\n  vars:\n    a0: &a0 [lol, lol, lol]\n")
			for i := range 30 {
				fmt.Fprintf(&b, "    a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i, i)
			}
			return b.String()
		}, ""), // anchors are text in Mistral's dialect
		document("YAML, a node within itself", "workflows", func() string { return "version: '2.0'\nw: &x\n  tasks: {t: {action: std.noop, input: \"*x\"}}\n" }, "mapping values are not allowed here"),
		document("YAML, a million keys", "workflows", func() string {
			var b strings.Builder
			for i := range 1_000_000 {
				fmt.Fprintf(&b, "k%d: 1\n", i)
			}
			return b.String()
		}, "more than the limit of 1048576"),
		document("YAML, 200,000 keys in the size", "workflows", func() string { return "version: '2.0'\nw: {tasks: {" + rep("a, ", 300_000) + "}}" }, "more than 200000 nodes"),
		document("YAML, the same key 90,000 times", "workflows", func() string { return "version: '2.0'\nw: {tasks: {" + rep("a: 1, ", 90_000) + "}}" }, "Invalid DSL"),
		document("YAML, keys of one hash", "workflows", func() string {
			var b strings.Builder
			b.WriteString("version: '2.0'\nw: {tasks: {t: {action: a}}, vars: {")
			for i := range 40_000 {
				fmt.Fprintf(&b, "%d.0: 1, ", i*1048576)
			}
			return b.String() + "}}"
		}, ""),
		document("YAML, 10 MB of text", "workflows", func() string { return "a: " + rep("x", 10<<20) }, "more than the limit of 1048576"),
		document("YAML, an integer of a million digits", "workflows", func() string {
			return "version: '2.0'\nw: {vars: {a: " + rep("9", 1_000_000) + "}, tasks: {t: {action: std.noop}}}"
		}, "digits", "limit", "integer string conversion"),
		document("YAML, sexagesimal for ever", "workflows", func() string {
			return "version: '2.0'\nw: {vars: {a: 1" + rep(":59", 300_000) + "}, tasks: {t: {action: std.noop}}}"
		}, "digits", "limit", "integer string conversion", ""),
		document("YAML, 1 MB of quotes", "workflows", func() string { return "a: " + rep("'", 1_000_001) }, "could not be parsed"),
		document("YAML, a million lines", "workflows", func() string { return rep("\n", 1_000_000) + "\t" }, "could not be parsed"),
		document("DSL, 30,000 tasks", "workflows", func() string {
			var b strings.Builder
			b.WriteString(task)
			for i := range 30_000 {
				fmt.Fprintf(&b, "    t%d: {action: a}\n", i)
			}
			return b.String()
		}, "more than 10000 tasks in a workflow"),
		document("DSL, all to all", "workflows", func() string {
			var b, all strings.Builder
			for i := range 350 {
				fmt.Fprintf(&all, "t%d,", i)
			}
			b.WriteString(task)
			for i := range 350 {
				fmt.Fprintf(&b, "    t%d: {action: a, on-success: [%s]}\n", i, all.String())
			}
			return b.String()
		}, "no start task", "Invalid", "start"),
		document("DSL, joins of all by all", "workflows", func() string {
			var b, all strings.Builder
			for i := range 300 {
				fmt.Fprintf(&all, "t%d,", i)
			}
			b.WriteString(task + "    s: {action: a, on-success: [" + all.String() + "]}\n")
			for i := range 300 {
				fmt.Fprintf(&b, "    t%d: {join: all, action: a, on-success: [%s]}\n", i, all.String())
			}
			return b.String()
		}, ""),
		document("DSL, a circle of 10,000 tasks", "workflows", func() string {
			var b strings.Builder
			b.WriteString(task + "    s: {action: a, on-success: t0}\n")
			for i := range 9_999 {
				fmt.Fprintf(&b, "    t%d: {action: a, on-success: [t%d]}\n", i, (i+1)%9_999)
			}
			return b.String()
		}, ""),
		document("DSL, a chain of requirements in a circle", "workflows", func() string {
			var b strings.Builder
			b.WriteString("version: '2.0'\nw:\n  type: reverse\n  tasks:\n")
			for i := range 9_999 {
				fmt.Fprintf(&b, "    t%d: {action: a, requires: [t%d]}\n", i, (i+1)%9_999)
			}
			return b.String()
		}, ""),
		document("DSL, 100,000 errors", "workflows", func() string { return task + "    t: {action: a, " + rep("x: 1, y: 2, ", 40_000) + "}\n" }, "Additional properties"),
		document("DSL, an inline call of 1 MB", "workflows", func() string { return task + "    t:\n      action: a " + rep("b=<% [", 100_000) + "\n" }, "Invalid", ""),
		document("DSL, inline brackets", "workflows", func() string { return task + "    t:\n      action: a " + rep("b=[1 ", 100_000) + "\n" }, "Invalid", ""),
		document("DSL, 100,000 YAQL openings", "workflows", func() string {
			return task + "    t:\n      action: a\n      input: {x: \"" + rep("<%", 300_000) + "\"}\n"
		}, ""),
		document("DSL, 100,000 Jinja openings", "workflows", func() string {
			return task + "    t:\n      action: a\n      input: {x: \"" + rep("{{", 300_000) + "\"}\n"
		}, ""),
		document("DSL, 1 MB of with-items", "workflows", func() string {
			return task + "    t:\n      action: a\n      with-items: [" + rep("\"i in [1]\", ", 50_000) + "]\n"
		}, "Invalid", ""),
		document("DSL, did you mean, 10,000 names", "workflows", func() string {
			var b strings.Builder
			b.WriteString(task)
			for i := range 5_000 {
				fmt.Fprintf(&b, "    t%d: {action: a, on-success: [%s%d]}\n", i, rep("u", 60), i)
			}
			return b.String()
		}, "not found"),
	}
}
