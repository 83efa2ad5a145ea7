package jinja

import (
	"fmt"
	"strings"
	"testing"

	"cierzo/expr/value"
)

// benchmarks are expressions of a size that workflows have, over 20 servers.
var benchmarks = []struct{ name, template string }{
	{"path", "{{ _.vm.meta.owner }}"},
	{"condition", "{{ _.count + 1 > 2 and _.name == 'deploy' }}"},
	{"text", "VM {{ _.vm.id }} of {{ _.vm.meta.owner }}"},
	{"select", "{{ _.servers|selectattr('up')|selectattr('ram', 'gt', 2000)|map(attribute='name')|list }}"},
	{"loop", "{% for s in _.servers %}{% if s.up %}{{ s.name }}: {{ s.ram }}{{ ', ' if not loop.last }}{% endif %}{% endfor %}"},
}

func benchData(b *testing.B) value.Mapping {
	b.Helper()
	var servers []string
	for i := range 20 {
		servers = append(servers, fmt.Sprintf(`{"name": "srv-%d", "ram": %d, "up": %t}`, i, 512*i, i%3 != 0))
	}
	text := `{"name": "deploy", "count": 3, "vm": {"id": "vm-1", "meta": {"owner": "alice"}}, "servers": [` + strings.Join(servers, ",") + `]}`
	v, err := value.ParseJSON([]byte(text))
	if err != nil {
		b.Fatal(err)
	}
	return freeze(v).(*value.Dict)
}

func BenchmarkCompile(b *testing.B) {
	for _, c := range benchmarks {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Compile(c.template); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRender(b *testing.B) {
	data := benchData(b)
	for _, c := range benchmarks {
		b.Run(c.name, func(b *testing.B) {
			tpl, err := Compile(c.template)
			if err != nil {
				b.Fatal(err)
			}
			env := testEnv(data)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tpl.Render(env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
