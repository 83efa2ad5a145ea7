package yaql

import (
	"slices"
	"strings"
	"testing"
)

// TestFunctionsCanBeCalled asks for each listed function by its name, in the form that the list says.
func TestFunctionsCanBeCalled(t *testing.T) {
	t.Parallel()
	list := Functions(false)
	for _, f := range list {
		form := formFunction
		if f.Method {
			form = formMethod
		}
		if len(library.find(f.Name, form, &Options{})) == 0 {
			t.Errorf("%s: nothing of this name can be called (method: %t)", f.Signature, f.Method)
		}
		if !strings.HasPrefix(f.Signature, f.Name+"(") || strings.Trim(f.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") != "" {
			t.Errorf("%q: %q is no name that somebody would type", f.Signature, f.Name)
		}
	}
	has := func(list []Function, name string, method bool) bool {
		return slices.ContainsFunc(list, func(f Function) bool { return f.Name == name && f.Method == method })
	}
	if !has(list, "len", false) || !has(list, "where", true) || !has(list, "task", false) || !has(list, "toUpper", true) {
		t.Error("well-known functions are missing")
	}
	if has(list, "json_pp", false) || !has(Functions(true), "json_pp", false) {
		t.Error("json_pp must be listed where older versions' functions are known, and only there")
	}
}
