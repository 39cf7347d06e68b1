package outbox_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestImports checks that who uses the outbox links neither a cache nor Redis nor a driver with it.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	linked := []string{"outbox", "ledger", "internal/handover", "internal/namespace", "internal/broken"}
	const module = "github.com/woodytoys/woodytoys/cache/"
	for imported := range strings.FieldsSeq(string(out)) {
		switch path, ours := strings.CutPrefix(imported, module); {
		case !ours && strings.Contains(imported, ".") && !strings.HasPrefix(imported, "vendor/") &&
			!strings.HasPrefix(imported, "crypto/"):
			t.Errorf("%s is linked, of another module", imported)
		case ours && !slices.Contains(linked, path):
			t.Errorf("%s is linked", imported)
		}
	}
}
