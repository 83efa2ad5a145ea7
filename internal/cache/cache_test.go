package cache_test

import (
	"strconv"
	"testing"

	"cierzo/internal/cache"
)

func TestCache(t *testing.T) {
	c := cache.New[string, int](10)
	for i := range 100 {
		key := strconv.Itoa(i)
		c.Put(key, -1)
		c.Put(key, i) // the key is there: nothing has to go
		if v, ok := c.Get(key); !ok || v != i {
			t.Errorf("%d was put, %d, %v is there", i, v, ok)
		}
	}
	kept := 0
	for i := range 100 {
		if v, ok := c.Get(strconv.Itoa(i)); ok {
			kept++
			if v != i {
				t.Errorf("%d is kept for %d", v, i)
			}
		}
	}
	if kept != 10 {
		t.Errorf("%d entries are kept, want 10", kept)
	}
	c.Put("a", 1)
	c.Drop("a")
	c.Drop("b")
	if v, ok := c.Get("a"); ok {
		t.Errorf("after it was dropped %d is there", v)
	}
}
