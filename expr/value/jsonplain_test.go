package value

import (
	"bytes"
	"testing"
)

// samePlain checks that what is read the short way is what the decoder reads.
func samePlain(t *testing.T, data []byte) (short bool) {
	t.Helper()
	got, ok := parsePlain(data)
	if !ok {
		return false
	}
	want, err := decodeJSON(data)
	if err != nil {
		t.Fatalf("%q: read the short way, but the decoder says: %v", data, err)
	}
	a, err := AppendJSON(nil, got)
	if err != nil {
		t.Fatal(err)
	}
	b, err := AppendJSON(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Fatalf("%q: the short way gives %s, the decoder %s", data, a, b)
	}
	return true
}

func TestPlainJSON(t *testing.T) {
	t.Parallel()
	for text, short := range map[string]bool{
		`null`: true, ` true `: true, `false`: true, `0`: true, `-0`: true, `-17`: true, `999999999999999999`: true, `""`: true, `"a b"`: true,
		`[]`: true, `[1, "two", [null]]`: true, `{}`: true, `{"result": null}`: true, `{"a":{"b":[{}]},"c":1}`: true, `{"a":1,"a":2}`: true, "{\n\t\"a\" : 1\r\n}": true,

		`1.5`: false, `1e3`: false, `9999999999999999999`: false, `01`: false, `-`: false, `+1`: false, `"\n"`: false, `"é"`: false, "\"\x7f\"": false,
		`[1,]`: false, `[,1]`: false, `[1 2]`: false, `{"a"}`: false, `{"a":}`: false, `{"a":1,}`: false, `{a:1}`: false, `{"a":1 "b":2}`: false,
		``: false, ` `: false, `nul`: false, `nullx`: false, `null null`: false, `"a`: false, `[`: false, `{"a":1`: false, `]`: false,
		`[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]`: false,
	} {
		if got := samePlain(t, []byte(text)); got != short {
			t.Errorf("%q is read the short way: %v, want %v", text, got, short)
		}
	}
}

// FuzzPlainJSON: whatever is read the short way is read as the decoder reads it.
func FuzzPlainJSON(f *testing.F) {
	for _, seed := range []string{`{"a": [1, -2, "x", null, true, {}]}`, `[1,]`, `{"a":1,"a":2}`, `"\u0041"`, `1.0`, `-0`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { samePlain(t, data) })
}
