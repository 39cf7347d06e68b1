package main

import (
	"errors"
	"io/fs"
	"time"

	"github.com/go-sql-driver/mysql"
)

// usersTimeout is how long one attempt to make users and the database may take.
const usersTimeout = 10 * time.Second

// attempt is something that is tried in the background, one time after the other, until it succeeds.
type attempt struct {
	ended chan error // of the try under way; nil for none
}

// succeeded reports whether a try has succeeded, and returns the error of one that has just failed. It waits for none,
// and begins one where none is under way.
func (a *attempt) succeeded(try func() error) (bool, error) {
	if a.ended == nil {
		ended := make(chan error, 1)
		a.ended = ended
		go func() { ended <- try() }()
	}
	select {
	case err := <-a.ended:
		a.ended = nil
		return err == nil, err
	default:
		return false, nil
	}
}

// mayPass reports whether a statement that failed may succeed when it is made again: the server was silent, or held it
// up for the sake of others. What else a server replies is a refusal.
func mayPass(err error) bool {
	var refusal *mysql.MySQLError
	if !errors.As(err, &refusal) {
		var file *fs.PathError // the users' file
		return !errors.As(err, &file)
	}
	switch refusal.Number {
	case 1047, // the node is not of the majority
		1205, 1213, // a lock, or another node, was in the way
		1317, 1927, 1969: // somebody ended the statement, or its connection
		return true
	}
	return false
}
