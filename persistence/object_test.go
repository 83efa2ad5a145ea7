package persistence

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// fill gives a value at random, the zero one often.
func fill(v reflect.Value, rng *rand.Rand) {
	if rng.IntN(2) == 0 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		texts := []string{"a", "two words", "\"quoted\" \\ \n\t\x01", "<html> & more", "größer ☂ 😀", "\u2028", "no UTF-8: \xff"}
		v.SetString(texts[rng.IntN(len(texts))])
	case reflect.Int, reflect.Int64:
		v.SetInt(rng.Int64N(1<<40) - 1<<39)
	case reflect.Uint64, reflect.Uint8:
		v.SetUint(uint64(rng.IntN(200)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), rng)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rng.IntN(4), 4))
		for i := range v.Len() {
			fill(v.Index(i), rng)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.UnixMicro(rng.Int64N(1 << 50)).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), rng)
		}
	default:
		panic("what is a " + v.Type().String() + "?")
	}
}

// TestDocumentsAreWrittenAsEncodingJSONWould holds the two ways in which a document is described, the tags by which it is read and the
// names by which it is written, together.
func TestDocumentsAreWrittenAsEncodingJSONWould(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, kind := range []document{&executionAbout{}, &executionDoc{}, &taskAbout{}, &taskDoc{}, &actionAbout{}, &actionDoc{}} {
		of := reflect.TypeOf(kind).Elem()
		longest := 0
		for range 2000 {
			filled := reflect.New(of)
			for i := range of.NumField() {
				fill(filled.Elem().Field(i), rng)
			}
			got, err := encodeDoc(filled.Interface().(document), "document", "1")
			if err != nil {
				t.Fatal(err)
			}
			want, err := json.Marshal(filled.Interface())
			if err != nil {
				t.Fatal(err)
			}
			read, meant := reflect.New(of).Interface(), reflect.New(of).Interface()
			if err := json.Unmarshal([]byte(got), read); err != nil {
				t.Fatalf("%s: %v", got, err)
			}
			if err := json.Unmarshal(want, meant); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(read, meant) {
				t.Fatalf("%s\nand by encoding/json\n%s", got, want)
			}
			longest = max(longest, len(got))
		}
		if longest < 10*of.NumField() {
			t.Errorf("%s: the longest document has %d bytes", of, longest)
		}
	}
}
