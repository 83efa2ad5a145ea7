package jinja

import (
	"cierzo/expr/value"
)

// dictMethod finds a method of dicts.
func dictMethod(name string) *builtin {
	switch name {
	case "keys", "values", "items":
		return method(name, 0, nil, func(c *call) (value.Value, error) {
			return &view{kind: name, m: c.self.(value.Mapping)}, nil
		})
	case "get":
		return method(name, 1, []string{"key", "default"}, dictGet)
	case "copy":
		return method(name, 0, nil, func(c *call) (value.Value, error) { return c.r.copyDict(c.self.(value.Mapping)) })
	case "fromkeys":
		return method(name, 1, []string{"iterable", "value"}, dictFromkeys)
	case "pop":
		return mutator(name, 1, []string{"key", "default"}, dictPop)
	case "popitem":
		return mutator(name, 0, nil, dictPopitem)
	case "setdefault":
		return mutator(name, 1, []string{"key", "default"}, dictSetdefault)
	case "clear":
		return mutator(name, 0, nil, func(c *call) (value.Value, error) {
			d := c.self.(*value.Dict)
			for d.Len() > 0 {
				k, _ := d.At(d.Len() - 1)
				d.Delete(k)
			}
			return value.Null{}, nil
		})
	case "update":
		return &builtin{name: name, variadic: true, keywords: true, mutates: true, eval: dictUpdate}
	}
	return nil
}

func (r *run) copyDict(m value.Mapping) (*value.Dict, error) {
	if err := r.make(m.Len()); err != nil {
		return nil, err
	}
	d := value.NewDict(m.Len())
	for k, v := range m.All() {
		if err := d.Set(k, v); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func dictGet(c *call) (value.Value, error) {
	k, err := c.r.key(c.arg(0))
	if err != nil {
		return nil, err
	}
	if v, ok := c.self.(value.Mapping).Get(k); ok {
		return v, nil
	}
	return c.or(1, value.Null{}), nil
}

func dictFromkeys(c *call) (value.Value, error) {
	keys, err := c.r.list(c.arg(0))
	if err != nil {
		return nil, err
	}
	d := value.NewDict(len(keys))
	for _, k := range keys {
		if err := c.r.setKey(d, k, c.or(1, value.Null{})); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func dictPop(c *call) (value.Value, error) {
	d := c.self.(*value.Dict)
	k, err := c.r.key(c.arg(0))
	if err != nil {
		return nil, err
	}
	v, ok := d.Get(k)
	if !ok {
		if c.arg(1) != nil {
			return c.arg(1), nil
		}
		return nil, raise("KeyError", "%s", value.Repr(k))
	}
	if err := c.r.make(d.Len()); err != nil {
		return nil, err
	}
	d.Delete(k)
	return v, nil
}

func dictPopitem(c *call) (value.Value, error) {
	d := c.self.(*value.Dict)
	if d.Len() == 0 {
		return nil, raise("KeyError", "'popitem(): dictionary is empty'")
	}
	if err := c.r.make(d.Len()); err != nil {
		return nil, err
	}
	k, v := d.At(d.Len() - 1)
	d.Delete(k)
	return value.NewTuple([]value.Value{k, v}), nil
}

func dictSetdefault(c *call) (value.Value, error) {
	d := c.self.(*value.Dict)
	k, err := c.r.key(c.arg(0))
	if err != nil {
		return nil, err
	}
	if v, ok := d.Get(k); ok {
		return v, nil
	}
	v := c.or(1, value.Null{})
	if err := c.r.acyclic(v, d); err != nil {
		return nil, err
	}
	return v, c.r.setKey(d, k, v)
}

func dictUpdate(c *call) (value.Value, error) {
	d := c.self.(*value.Dict)
	if len(c.rest) > 1 {
		return nil, typeError("update expected at most 1 argument, got %d", len(c.rest))
	}
	more, err := c.r.newDict(c.rest, c.kw)
	if err != nil {
		return nil, err
	}
	for k, v := range more.All() {
		if err := c.r.acyclic(v, d); err != nil {
			return nil, err
		}
		if err := c.r.setKey(d, k, v); err != nil {
			return nil, err
		}
	}
	return value.Null{}, nil
}

// newDict is Python's dict(…): of a mapping or of pairs, and of keyword arguments.
func (r *run) newDict(pos []value.Value, kw []namedArg) (*value.Dict, error) {
	d := value.NewDict(len(kw))
	if len(pos) > 1 {
		return nil, typeError("dict expected at most 1 argument, got %d", len(pos))
	}
	if len(pos) == 1 {
		if m, ok := pos[0].(value.Mapping); ok {
			var err error
			if d, err = r.copyDict(m); err != nil {
				return nil, err
			}
		} else if err := r.addPairs(d, pos[0]); err != nil {
			return nil, err
		}
	}
	for _, k := range kw {
		if err := r.setKey(d, value.String(k.name), k.val); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (r *run) addPairs(d *value.Dict, v value.Value) error {
	it, err := r.iter(v)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		item, ok, err := r.pull(it)
		if err != nil || !ok {
			return err
		}
		pair, err := r.list(item)
		if err != nil {
			if isUndefined(item) {
				return err
			}
			return typeError("cannot convert dictionary update sequence element #%d to a sequence", i)
		}
		if len(pair) != 2 {
			return valueError("dictionary update sequence element #%d has length %d; 2 is required", i, len(pair))
		}
		if err := r.setKey(d, pair[0], pair[1]); err != nil {
			return err
		}
	}
}
