//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

func TestLongBackup(t *testing.T) {
	takes(t, 3*time.Minute)
	testRestoreToASecond(t, "replicas", "backup")
}

// testRestoreToASecond deploys stages of which one is backup, deletes all products, and brings them back as they were a
// second before.
func testRestoreToASecond(t *testing.T, stages ...string) {
	mustScript(t, "deploy", append(stages, "BACKUP_SHIP_EVERY=2s")...)
	t.Run("rights", func(t *testing.T) {
		wantLittle(t, "backup", secret(t, "backup_key"), secret(t, "secrets_key"),
			secret(t, "database_backup_password"), secret(t, "database_migrate_password"))
	})
	awaitBackup(t)
	get(t, "/api/products?product=Kept")
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(1500 * time.Millisecond)))
	target := time.Now().Truncate(time.Second) // Kept was acknowledged before it
	time.Sleep(time.Second)
	text, err := docker("exec", containers(t, "database")[0], "mariadb", "-u", "woody",
		"-p"+secret(t, "database_password"), "woody", "-e", "DELETE FROM product")
	if err != nil {
		t.Fatal(text, err)
	}
	get(t, "/api/products?product=Later")

	if text, err := script("restore", target.UTC().Format(time.RFC3339)); err == nil ||
		!strings.Contains(text, "it asks before it overwrites") {
		t.Errorf("it does not ask: %v\n%s", err, text)
	}
	began := time.Now()
	mustScript(t, "restore", "--yes", target.UTC().Format(time.RFC3339))
	figuref("scripts/restore to a second: %.0f s", time.Since(began).Seconds())
	if _, body := get(t, "/api/products", "Accept: application/json"); !strings.Contains(body, "Kept") ||
		strings.Contains(body, "Later") {
		t.Errorf("after the restore there are %s", body)
	}
	if text, err := script("backup", "verify"); err != nil {
		t.Errorf("scripts/backup verify: %v\n%s", err, text)
	}
}

// awaitBackup waits until there is a good backup.
func awaitBackup(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(time.Second) {
		text, err := script("backup", "list")
		if err == nil && strings.Contains(text, " good ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is no good backup: %v\n%s", err, text)
		}
	}
}
