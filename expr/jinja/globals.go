package jinja

import (
	"strings"

	"cierzo/expr/value"
)

// rangeMax is the sandbox's limit on the length of a range.
const rangeMax = 100_000

// global finds what Jinja2 defines for all templates; nil: there is none.
func global(name string) value.Value {
	switch name {
	case "range":
		return &function{fn: &builtin{name: "safe_range", variadic: true, eval: newRangeCall}}
	case "dict":
		return &classObject{name: "dict", fn: &builtin{name: "dict", variadic: true, keywords: true, eval: func(c *call) (value.Value, error) {
			return c.r.newDict(c.rest, c.kw)
		}}}
	case "namespace":
		return &classObject{name: "jinja2.utils.Namespace", fn: &builtin{name: "namespace", variadic: true, keywords: true, eval: func(c *call) (value.Value, error) {
			d, err := c.r.newDict(c.rest, c.kw)
			return &namespaceObject{attrs: d}, err
		}}}
	case "cycler":
		return &classObject{name: "jinja2.utils.Cycler", fn: &builtin{name: "Cycler.__init__", variadic: true, eval: func(c *call) (value.Value, error) {
			if len(c.rest) == 0 {
				return nil, raise("RuntimeError", "at least one item has to be provided")
			}
			return &cyclerObject{items: append([]value.Value{}, c.rest...)}, nil
		}}}
	case "joiner":
		return &classObject{name: "jinja2.utils.Joiner", fn: &builtin{name: "Joiner.__init__", params: []string{"sep"}, hidden: 1, eval: func(c *call) (value.Value, error) {
			return &joinerObject{sep: c.or(0, value.String(", "))}, nil
		}}}
	case "lipsum":
		return &function{fn: &builtin{name: "generate_lorem_ipsum", params: []string{"n", "html", "min", "max"}, eval: lipsum}}
	}
	return nil
}

func newRangeCall(c *call) (value.Value, error) {
	if len(c.rest) == 0 {
		return nil, typeError("range expected at least 1 argument, got 0")
	}
	if len(c.rest) > 3 {
		return nil, typeError("range expected at most 3 arguments, got %d", len(c.rest))
	}
	bounds := [3]int{0, 0, 1}
	for i, v := range c.rest {
		n, err := toIndex(v)
		if err != nil {
			return nil, err
		}
		if len(c.rest) == 1 {
			i = 1
		}
		bounds[i] = n
	}
	if bounds[2] == 0 {
		return nil, valueError("range() arg 3 must not be zero")
	}
	o := newRange(int64(bounds[0]), int64(bounds[1]), int64(bounds[2]))
	if o.n > rangeMax || o.n < 0 {
		return nil, raise("OverflowError", "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", rangeMax)
	}
	return o, nil
}

// newRange is a range with its length; one that is too long to count has length -1.
func newRange(start, stop, step int64) *rangeObject {
	o := &rangeObject{start: start, stop: stop, step: step}
	var span, by uint64
	switch {
	case step > 0 && start < stop:
		span, by = uint64(stop)-uint64(start), uint64(step)
	case step < 0 && start > stop:
		span, by = uint64(start)-uint64(stop), -uint64(step)
	default:
		return o
	}
	n := (span-1)/by + 1
	if n > uint64(maxInt/2) {
		o.n = -1
		return o
	}
	o.n = int(n)
	return o
}

// call gives the separator, but not the first time.
func (j *joinerObject) call(_ *run, a args) (value.Value, error) {
	if len(a.pos)+len(a.kw) > 0 {
		return nil, typeError("Joiner.__call__() takes 1 positional argument but %d were given", 1+len(a.pos)+len(a.kw))
	}
	if j.used {
		return j.sep, nil
	}
	j.used = true
	return value.String(""), nil
}

// call renders the block.
func (b *blockObject) call(r *run, _ args) (value.Value, error) {
	return r.blockText(func() error { return b.block.render(r, r.root) })
}

// random gives a number in [0, n).
func (r *run) random(n int) (int, error) {
	if r.env.Entropy == nil {
		return 0, raise("NotImplementedError", "there is no source of random numbers here")
	}
	return int(r.env.Entropy() % uint64(n)), nil
}

// lipsumMax bounds the words of a paragraph.
const lipsumMax = 10_000

// lipsum makes paragraphs of Latin words.
func lipsum(c *call) (value.Value, error) {
	n, err := c.int(0, 5)
	if err != nil {
		return nil, err
	}
	html, err := c.truth(1, true)
	if err != nil {
		return nil, err
	}
	low, err := c.int(2, 20)
	if err != nil {
		return nil, err
	}
	high, err := c.int(3, 100)
	if err != nil {
		return nil, err
	}
	if low >= high {
		return nil, valueError("empty range for randrange() (%d, %d, %d)", low, high, high-low)
	}
	var paragraphs []string
	for range max(n, 0) {
		p, err := c.r.paragraph(low, high)
		if err != nil {
			return nil, err
		}
		if html {
			p = "<p>" + p + "</p>"
		}
		paragraphs = append(paragraphs, p)
	}
	if html {
		return &markup{s: strings.Join(paragraphs, "\n")}, nil
	}
	return value.String(strings.Join(paragraphs, "\n\n")), nil
}

func (r *run) paragraph(low, high int) (string, error) {
	words := strings.Fields("lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua")
	extra, err := r.random(high - low)
	if err != nil {
		return "", err
	}
	if low+extra > lipsumMax {
		return "", r.make(maxInt)
	}
	if err := r.make(12 * max(low+extra, 1)); err != nil {
		return "", err
	}
	out := make([]string, 0, max(low+extra, 0))
	for len(out) < low+extra {
		i, err := r.random(len(words))
		if err != nil {
			return "", err
		}
		out = append(out, words[i])
	}
	return capitalize(strings.Join(out, " ")) + ".", nil
}
