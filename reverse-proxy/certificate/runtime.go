package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// errNoProxy says that no proxy runs on this node.
var errNoProxy = errors.New("no proxy listens")

// folder is what this program and the node's proxy share.
type folder string

// file is where the proxy reads the certificate when it starts, which is also the name that it knows it by.
func (f folder) file() string { return filepath.Join(string(f), "certificate.pem") }

// ask sends the proxy a command through its runtime socket and returns what it says. The error is errNoProxy where
// nobody listens.
func (f folder) ask(command string) (string, error) {
	conn, err := net.DialTimeout("unix", filepath.Join(string(f), "proxy.sock"), time.Second)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return "", errNoProxy
	}
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		return "", fmt.Errorf("ask the proxy: %w", err)
	}
	output, err := io.ReadAll(conn)
	if err != nil {
		return "", fmt.Errorf("read what the proxy says: %w", err)
	}
	return strings.TrimSpace(string(output)), nil
}

// shown returns what the proxy says of the certificate that it has.
func (f folder) shown() (string, error) { return f.ask("show ssl cert " + f.file()) }

// put sets the proxy's certificate. Half of it changes nothing: what is set counts once it is committed.
// Between the two, written is called; if it fails nothing is committed.
func (f folder) put(pem []byte, written func() error) error {
	// An earlier one that was broken off would be gone on with.
	if _, err := f.ask("abort ssl cert " + f.file()); err != nil {
		return err
	}
	output, err := f.ask(fmt.Sprintf("set ssl cert %s <<\n%s\n", f.file(), pem))
	if err != nil {
		return err
	}
	if !strings.Contains(output, "Transaction created") {
		return fmt.Errorf("the proxy does not take it: %s", output)
	}
	if err := written(); err != nil {
		return err
	}
	output, err = f.ask("commit ssl cert " + f.file())
	if err == nil && !strings.Contains(output, "Success") {
		err = fmt.Errorf("the proxy does not take it into use: %s", output)
	}
	return err
}

// temporaries are the names of files that are not whole yet.
const temporaries = ".certificate.*"

// sweep removes what keepers have left that were killed while they wrote: the folder is small.
func (f folder) sweep() {
	left, _ := filepath.Glob(filepath.Join(string(f), temporaries)) // its error is that of a bad pattern
	for _, name := range left {
		os.Remove(name)
	}
}

// write puts the certificate where the proxy reads it when it starts, as a whole or not at all.
func (f folder) write(pem []byte) error {
	if had, err := os.ReadFile(f.file()); err == nil && bytes.Equal(had, pem) {
		return nil
	}
	temporary, err := os.CreateTemp(string(f), temporaries)
	if err != nil {
		return err
	}
	_, err = temporary.Write(pem)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err == nil { // its mode is 0600
		err = os.Rename(temporary.Name(), f.file())
	}
	if err != nil {
		os.Remove(temporary.Name())
	}
	return err
}
