package value

// Replace gives a list other items and takes ownership of them. It is for the evaluation that made the list, before it is
// shared: Jinja templates append to their own lists.
func (l *List) Replace(items []Value) { l.items = items }
