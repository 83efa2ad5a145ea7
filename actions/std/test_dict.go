package std

import (
	"strconv"

	"cierzo/actions"
	"cierzo/expr/value"
)

// testDictSizeMax bounds std.test_dict, in keys: it runs inside of the engine, and results are bounded anyway.
const testDictSizeMax = 1_000_000

const testDictClass = class + "TestDictAction"

func testDict() actions.Action {
	return actions.Action{
		Name: "std.test_dict", Class: testDictClass, SafeRerun: true,
		Description: "Succeeds with a dict of the given size: <key_prefix>0 to <key_prefix>(size-1), all with the same value.",
		Params: []actions.Param{
			{Name: "size", Default: value.Int(0), Doc: "how many keys; at most 1,000,000"},
			{Name: "key_prefix", Default: value.String(""), Doc: "what keys begin with"},
			{Name: "val", Default: value.String(""), Doc: "the value of each key"},
		},
		Inline: func(c *actions.Call) actions.Result {
			size := given(c, "size")
			if b, ok := size.(value.Bool); ok {
				f, _ := number(b)
				size = value.Int(f)
			}
			n, ok := size.(value.Int)
			if !ok {
				return raised(testDictClass, c, "'%s' object cannot be interpreted as an integer", value.TypeName(size))
			}
			if n > testDictSizeMax {
				return raised(testDictClass, c, "size is %d, more than %d", n, testDictSizeMax)
			}
			d := value.NewDict(int(max(n, 0)))
			for i := range int(n) {
				d.SetString(value.Str(given(c, "key_prefix"))+strconv.Itoa(i), given(c, "val"))
			}
			return actions.Value(d)
		},
	}
}
