package value

import "slices"

// Set is a frozen set of hashable values. Its order is CPython's where that is the same in each process, else the order in
// which the members came; see hashOrder.
type Set struct{ members *Dict }

// NewSet makes a set. The error names the first unhashable type. With frozen, lists and dicts are members as well, as
// YAQL's converted data are.
func NewSet(items []Value, frozen bool) (*Set, error) {
	s := &Set{NewDict(len(items))}
	s.members.freeKeys = frozen
	if err := s.add(items); err != nil {
		return nil, err
	}
	if ordered := hashOrder(s.members.keys); !slices.Equal(ordered, s.members.keys) {
		s.members = NewDict(len(ordered))
		s.members.freeKeys = frozen
		_ = s.add(ordered) // they were hashable before
	}
	s.members.frozen = true
	return s, nil
}

func (s *Set) add(items []Value) error {
	for _, item := range items {
		if s.Has(item) {
			continue
		}
		if err := s.members.Set(item, Null{}); err != nil {
			return err
		}
	}
	return nil
}

// Len is the number of members.
func (s *Set) Len() int { return s.members.Len() }

// Has reports whether v is a member.
func (s *Set) Has(v Value) bool {
	_, ok := s.members.Get(v)
	return ok
}

// Items are the members; the caller must not change them.
func (s *Set) Items() []Value { return s.members.keys }

// Within reports whether all members are in other.
func (s *Set) Within(other *Set) bool {
	for _, k := range s.members.keys {
		if !other.Has(k) {
			return false
		}
	}
	return true
}
