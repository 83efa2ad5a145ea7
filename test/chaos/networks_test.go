package chaos

import (
	"fmt"
	"os/exec"
	"testing"
)

// TestNetworks makes networks one after the other, as the rounds do: the second has the names of the first.
func TestNetworks(t *testing.T) {
	for i := range 10 {
		whole := t
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			n := newNetwork(t)
			if !n.spaces() {
				t.Skip(n.why)
			}
			// A process that is still there keeps the namespace when its name has gone.
			late := exec.Command("sleep", "60")
			if err := n.host("node").enter(late.Start); err != nil {
				t.Fatal(err)
			}
			whole.Cleanup(func() {
				_ = late.Process.Kill()
				_ = late.Wait() // it was killed
			})
		})
	}
}
