package oracle

import (
	"iter"
	"sync"
)

// Ledger is items by their ids. The zero Ledger is empty.
type Ledger struct{ items sync.Map }

// Item returns the item of an id, always the same one.
func (l *Ledger) Item(id int64) *Item {
	item, ok := l.items.Load(id)
	if !ok {
		item, _ = l.items.LoadOrStore(id, new(Item))
	}
	return item.(*Item)
}

// All returns every item that was asked for, in no order.
func (l *Ledger) All() iter.Seq2[int64, *Item] {
	return func(yield func(int64, *Item) bool) {
		l.items.Range(func(id, item any) bool { return yield(id.(int64), item.(*Item)) })
	}
}
