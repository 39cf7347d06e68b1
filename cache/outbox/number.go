package outbox

import (
	"errors"
	"reflect"
)

// The numbers of errors by which a server of MySQL or MariaDB says that a transaction was rolled back because of
// another one.
var lostNumbers = map[uint64]bool{
	1020: true, // ER_CHECKREAD: a row has changed since the transaction's snapshot
	1213: true, // ER_LOCK_DEADLOCK: a deadlock, or another node of a Galera cluster has had its change certified first
}

// Those by which it says that it is there, and can do nothing now: what was asked of it is for another connection.
var awayNumbers = map[uint64]bool{
	1047: true, // ER_UNKNOWN_COM_ERROR: a node of a Galera cluster that is not of the majority
	1053: true, // ER_SERVER_SHUTDOWN
	1180: true, // ER_ERROR_DURING_COMMIT: a node that has just lost the majority
	1205: true, // ER_LOCK_WAIT_TIMEOUT: of a lock, or of what a causal reading waits for
	1317: true, // ER_QUERY_INTERRUPTED: a statement that was killed, as when a server shuts down
	1927: true, // ER_CONNECTION_KILLED
}

// number returns the number of a MySQL server's error; zero of any other. Drivers have it in a field Number, as
// go-sql-driver/mysql's MySQLError does. Reflection finds it without linking a driver.
func number(err error) uint64 {
	if err == nil {
		return 0
	}
	if n := numberField(err); n != 0 {
		return n
	}
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if n := number(one); n != 0 {
				return n
			}
		}
	case interface{ Unwrap() error }:
		return number(e.Unwrap())
	}
	return 0
}

func numberField(err error) uint64 {
	v := reflect.Indirect(reflect.ValueOf(err))
	if v.Kind() != reflect.Struct {
		return 0
	}
	field, found := v.Type().FieldByName("Number")
	if !found || len(field.Index) > 1 || !v.FieldByIndex(field.Index).CanUint() {
		return 0
	}
	return v.FieldByIndex(field.Index).Uint()
}

// lostAgainstOther reports whether a transaction was rolled back because of another one, and is to be made again.
func lostAgainstOther(err error) bool {
	state := sqlState(err)
	return state == "40001" || state == "40P01" || // serialization failure, deadlock
		lostNumbers[number(err)]
}

// isOver reports whether a connection is of no use: it is gone, or its server can do nothing now. What it was used for
// may have been done.
func isOver(err error) bool {
	return connectionLost(err) || awayNumbers[number(err)] || isInvalidConn(err)
}

// isInvalidConn reports whether err is go-sql-driver/mysql's ErrInvalidConn: the connection was lost before the
// response. It compares the text, so as not to link the driver.
func isInvalidConn(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if err.Error() == "invalid connection" {
			return true
		}
	}
	return false
}
