package persistence

import "testing"

// TestDamagedFoldIsAnError cuts a folded execution off at each of its bytes.
func TestDamagedFoldIsAnError(t *testing.T) {
	t.Parallel()
	f := &folder{}
	f.rows(&SnapshotRows{Epoch: 7, Execution: ExecutionRow{ID: "x"}, Tasks: []TaskRow{{Seq: 1, Doc: "{}"}}, Actions: []ActionRow{{Given: "g"}}})
	for n := range f.b {
		if _, err := Unfold("x", string(f.b[:n])); err == nil {
			t.Errorf("the first %d of %d bytes are understood", n, len(f.b))
		}
	}
	if _, err := Unfold("x", string(f.b)+"\x00"); err == nil {
		t.Error("a byte too much is understood")
	}
}
