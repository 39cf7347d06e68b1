package main

import (
	"context"
	"sync"
	"time"
)

// keptRepository is a repository of which some uses, such as removing, take all others' place.
type keptRepository struct {
	repository
	use   sync.RWMutex
	names names // that it has
}

func (k *keptRepository) save(ctx context.Context, folder string, tags ...string) (string, error) {
	k.use.RLock()
	defer k.use.RUnlock()
	return k.repository.save(ctx, folder, tags...)
}

func (k *keptRepository) load(ctx context.Context, id, folder string) error {
	k.use.RLock()
	defer k.use.RUnlock()
	return k.uncached().load(ctx, id, folder)
}

func (k *keptRepository) inventory(ctx context.Context) (inventory, error) {
	k.use.RLock()
	defer k.use.RUnlock()
	list, err := k.snapshots(ctx)
	inv := readInventory(list)
	k.names.take(inv)
	return inv, err
}

// newName returns a name that comes after all that the inventories had, and all that were given.
func (k *keptRepository) newName() string { return k.names.next(time.Now()) }

// forgetIfFree removes snapshots and reports whether it did, unless the repository is in use.
func (k *keptRepository) forgetIfFree(ctx context.Context, ids ...string) bool {
	if !k.use.TryLock() {
		return false
	}
	defer k.use.Unlock()
	return k.repository.forget(ctx, ids...) == nil
}

// remove removes snapshots, and what nothing else needs of them.
func (k *keptRepository) remove(ctx context.Context, ids ...string) error {
	k.use.Lock()
	defer k.use.Unlock()
	if err := k.repository.forget(ctx, ids...); err != nil {
		return err
	}
	return k.prune(ctx)
}
