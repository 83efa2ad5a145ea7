package std

import (
	"fmt"
	"hash/fnv"

	"cierzo/actions"
)

// raised is the error of an action that, in Mistral, raised an exception with that text.
func raised(class string, c *actions.Call, format string, args ...any) actions.Result {
	id := c.ActionID
	if id == "" {
		id = "None" // an action that is run for its caller alone, and not kept
	}
	return actions.Errorf("The action raised an exception [action=%s, action_ex_id=%s, msg='%s']",
		object(class, c.ActionID), id, fmt.Sprintf(format, args...))
}

// object is Python's text of an object. Its address means nothing; it is made of the action's id, so that the same attempt
// has the same text wherever it runs. A class that has a text of its own, with a space in it, is taken as it is.
func object(class, id string) string {
	if class == failText {
		return class
	}
	h := fnv.New64a()
	h.Write([]byte(id))
	return fmt.Sprintf("<%s object at 0x7f%010x>", class, h.Sum64()&0xff_ffff_ffff)
}

// unmade is the error of an action whose input Mistral's constructor refuses. Mistral leaves the reason out.
func unmade(name, class, reason string) actions.Result {
	return actions.Errorf("Failed to instantiate an action [action_desc=Python action [name=%s, cls=<class '%s'>]]: %s", name, class, reason)
}

// quotedError is an error with the words of Mistral or of a library of Python.
type quotedError string

// Error implements error.
func (e quotedError) Error() string { return string(e) }

// quoted makes a quotedError.
func quoted(format string, args ...any) error { return quotedError(fmt.Sprintf(format, args...)) }
