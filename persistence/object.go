package persistence

import (
	"encoding/json"
	"strconv"
	"sync"

	"cierzo/expr/value"
	"cierzo/fault"
)

// object writes the JSON of a document: what encoding/json would write of the struct that reads it, without reflection, for there are
// several documents for each action. Empty members are left out.
type object struct {
	dst []byte
	err error
}

// document is a struct that encoding/json reads and object writes.
type document interface{ write(o *object) }

func (o *object) member(name string) {
	if o.dst[len(o.dst)-1] != '{' {
		o.dst = append(o.dst, ',')
	}
	o.dst = append(append(append(o.dst, '"'), name...), '"', ':')
}

func (o *object) text(name, s string) {
	if s != "" {
		o.always(name, s)
	}
}

// always writes a text, an empty one too.
func (o *object) always(name, s string) {
	o.member(name)
	o.dst = value.AppendText(o.dst, s)
}

func (o *object) number(name string, n int64) {
	if n != 0 {
		o.zeroToo(name, n)
	}
}

// zeroToo writes a number, 0 too.
func (o *object) zeroToo(name string, n int64) {
	o.member(name)
	o.dst = strconv.AppendInt(o.dst, n, 10)
}

// pointed writes a number if there is one, 0 too.
func (o *object) pointed(name string, n *int64) {
	if n != nil {
		o.zeroToo(name, *n)
	}
}

func (o *object) texts(name string, list []string) {
	each(o, name, list, func(s string) { o.dst = value.AppendText(o.dst, s) })
}

func (o *object) numbers(name string, list []int) {
	each(o, name, list, func(n int) { o.dst = strconv.AppendInt(o.dst, int64(n), 10) })
}

// truth writes true; false is left out.
func (o *object) truth(name string, is bool) {
	if is {
		o.member(name)
		o.dst = append(o.dst, "true"...)
	}
}

// rest writes a member that is seldom there as encoding/json does.
func (o *object) rest(name string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		o.err = err
		return
	}
	o.member(name)
	o.dst = append(o.dst, text...)
}

// each writes the members of a list, which may be objects.
func each[T any](o *object, name string, list []T, one func(T)) {
	if len(list) == 0 {
		return
	}
	o.member(name)
	o.dst = append(o.dst, '[')
	for i, v := range list {
		if i > 0 {
			o.dst = append(o.dst, ',')
		}
		one(v)
	}
	o.dst = append(o.dst, ']')
}

// objects keeps the room of documents that have been written.
var objects = sync.Pool{New: func() any { return &object{} }}

// objectBytesMax bounds what is kept for the next one.
const objectBytesMax = 4096

// encodeDoc gives the JSON of a document. fault.Invalid: it has none.
func encodeDoc(doc document, kind, id string) (string, error) {
	o := objects.Get().(*object)
	o.dst, o.err = append(o.dst[:0], '{'), nil
	doc.write(o)
	o.dst = append(o.dst, '}')
	text, err := string(o.dst), o.err
	if cap(o.dst) <= objectBytesMax {
		objects.Put(o)
	}
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "encode %s %s", kind, id)
	}
	return text, nil
}
