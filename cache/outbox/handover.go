package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/cache/ledger"
)

// What stands in recorded_us of a record that was handed over, as long as it has not been carried out. Either is older
// than any grace. Once it has been, recorded_us lies in the future, by keptFor. It is its writer who deletes the
// record: that it is gone would prove nothing, for a database may come back without its last transactions. Where the
// writer has died, the record comes of age, and is carried out and removed like any other.
const (
	handedOver = 0
	taken      = 1

	keptFor = 10 * time.Minute
)

const handOverSQL = "INSERT INTO {outbox} (id, tags, recorded_us)" +
	" SELECT {bigint}, {text}, {bigint} {nowhere} WHERE {proof}"

// HandOver implements ledger.Ledger.
func (o *Outbox) HandOver(ctx context.Context, tags []string) (record ledger.Record, err error) {
	record.Tags = slices.Compact(slices.Sorted(slices.Values(tags)))
	list, err := encodeTags(record.Tags)
	if err != nil {
		return record, err
	}
	if list == unreadable {
		return record, errors.New("tags that are no UTF-8 cannot be handed over")
	}
	err = o.on(ctx, func(conn *sql.Conn) error {
		record.ID = newRecord()
		done, err := conn.ExecContext(ctx, o.sql.handOver, record.ID, list, handedOver)
		return changed(done, err)
	})
	return record, err
}

const takeSQL = "UPDATE {outbox} SET recorded_us = ? WHERE id IN {ids} AND recorded_us = ?"

// Take implements ledger.Ledger.
func (o *Outbox) Take(ctx context.Context, records []int64) error {
	if len(records) == 0 {
		return nil
	}
	statement, ids := o.cfg.Dialect.in(o.sql.take, records)
	args := append(append([]any{taken}, ids...), handedOver)
	return o.on(ctx, func(conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, statement, args...)
		return err
	})
}

const carriedSQL = "UPDATE {outbox} SET recorded_us = {now} + ? WHERE id IN {ids} AND recorded_us <= ?"

// carriedOut notes of those of the records that were handed over that they were carried out.
func (o *Outbox) carriedOut(ctx context.Context, conn *sql.Conn, records []int64) error {
	statement, ids := o.cfg.Dialect.in(o.sql.carried, records)
	_, err := conn.ExecContext(ctx, statement, append(append([]any{keptFor.Microseconds()}, ids...), taken)...)
	return err
}

// Progress implements ledger.Ledger.
func (o *Outbox) Progress(ctx context.Context, record ledger.Record) (progress ledger.Progress, err error) {
	err = o.on(ctx, func(conn *sql.Conn) error {
		progress, err = o.readProgress(ctx, conn, record)
		return err
	})
	return progress, err
}

const withdrawSQL = "DELETE FROM {outbox} WHERE id = ?"

// Withdraw implements ledger.Ledger.
func (o *Outbox) Withdraw(ctx context.Context, record ledger.Record) error {
	return o.on(ctx, func(conn *sql.Conn) error {
		if _, err := o.readProgress(ctx, conn, record); err != nil {
			return err // the record belongs to another write
		}
		_, err := conn.ExecContext(ctx, o.sql.withdraw, record.ID)
		return err
	})
}

const progressSQL = "SELECT tags, recorded_us, recorded_us > {now} FROM {outbox} WHERE id = ?"

// readProgress fails where the database has lost the record. Its number may be another record's then: the tags decide.
func (o *Outbox) readProgress(
	ctx context.Context, conn *sql.Conn, record ledger.Record,
) (ledger.Progress, error) {
	var list string
	var recordedUs int64
	var future bool
	if err := conn.QueryRowContext(ctx, o.sql.progress, record.ID).Scan(&list, &recordedUs, &future); err != nil {
		return ledger.Waiting, fmt.Errorf("find record %d of the outbox, which was handed over: %w", record.ID, err)
	}
	tags, err := decodeTags(list)
	switch {
	case err != nil, !slices.Equal(tags, record.Tags), recordedUs > taken && !future:
		return ledger.Waiting, fmt.Errorf("record %d of the outbox is not the one that was handed over", record.ID)
	case recordedUs == handedOver:
		return ledger.Waiting, nil
	case recordedUs == taken:
		return ledger.Taken, nil
	}
	return ledger.CarriedOut, nil
}
