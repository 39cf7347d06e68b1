package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// join reads a key and certificates from files, checks them, and prints them as one. It says on stderr what will
// trouble some browsers and is no error.
func join(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("certificate join", flag.ContinueOnError)
	flags.SetOutput(stderr)
	names := flags.String("names", "", "the names that it must be for, with commas between")
	authority := flags.String("authority", "", "a file with authorities that are trusted besides")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("name the files of key, certificate and chain")
	}
	var all [][]byte
	for _, file := range flags.Args() {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if !bytes.Contains(text, []byte("-----BEGIN ")) {
			return fmt.Errorf("%s is no PEM: of DER, openssl x509 -inform DER -in %[1]s makes it; of PKCS #12, "+
				"openssl pkcs12 -nodes -in %[1]s", file)
		}
		all = append(all, text)
	}
	b, err := readBundle(bytes.Join(all, []byte("\n")))
	if err != nil {
		return err
	}
	if err := errors.Join(b.checkTime(time.Now()), b.checkNames(split(*names))); err != nil {
		return err
	}
	b.advise(*authority, stderr)
	_, err = stdout.Write(b.pem)
	return err
}

// advise says what some browsers will not like.
func (b *bundle) advise(authority string, stderr io.Writer) {
	if left := time.Until(b.notAfter()); left < soon {
		fmt.Fprintf(stderr, "it expires in %d days\n", int(left.Hours()/24))
	}
	var own []byte
	if authority != "" {
		own, _ = os.ReadFile(authority) // without it, the machine's alone
	}
	if b.trusted(nil) == nil || own != nil && b.trusted(own) == nil {
		return
	}
	last := b.chain[len(b.chain)-1]
	fmt.Fprintf(stderr, "no authority that this machine trusts has signed the last of its chain, %s (which names %s): "+
		"if that is one in between, give its certificate too, or some browsers will refuse\n",
		last.Subject, last.Issuer)
}

func split(names string) []string {
	return strings.FieldsFunc(names, func(r rune) bool { return r == ',' })
}
