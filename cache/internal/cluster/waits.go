package cluster

import "sync"

// waits are the keys whose fill, by another replica, this one waits for.
type waits struct {
	mu    sync.Mutex
	byKey map[string]chan struct{}
}

func newWaits() *waits { return &waits{byKey: map[string]chan struct{}{}} }

// on returns a channel that is closed when the key's fill ends. It must be asked for before the lease is, so
// that no waking is missed. A key has one who waits for it at a time: the flight that runs.
func (w *waits) on(key string) (woken <-chan struct{}, forget func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := make(chan struct{})
	w.byKey[key] = ch
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.byKey[key] == ch {
			delete(w.byKey, key)
		}
	}
}

func (w *waits) wake(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ch, found := w.byKey[key]; found {
		delete(w.byKey, key)
		close(ch)
	}
}
