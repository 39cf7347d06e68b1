package servers

import (
	"os"
	"syscall"
)

// WriteScript writes a file that may be run at once. No process is started meanwhile: it would have the file open for
// writing until it has begun its own program, and whoever ran the file would be told that it is busy (ETXTBSY,
// https://go.dev/issue/22315).
func WriteScript(file, text string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(file, []byte(text), 0o755)
}
