package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

const (
	// between is how long it waits between two looks.
	between = time.Second
	// soon is how long before it expires a certificate is complained about, once a day.
	soon = 14 * 24 * time.Hour
)

// keeper gives this node's proxy the certificate that is in a file.
type keeper struct {
	source  string
	folder  folder
	log     *slog.Logger
	metrics *metrics
	now     func() time.Time

	// read is what the source had when it was last read, and wanted the last good one of it.
	read   []byte
	wanted *bundle
	// shown is what the proxy said of its certificate when it had just taken wanted; empty before that.
	shown string
	// said is the last failure, so that the same one is logged once; warned is when it last complained of the time
	// left.
	said   string
	warned time.Time
}

// begin reads the source for the first time and writes it for a proxy that starts. What cannot be used is an error. One
// that has expired is not: where there is no other it is better than none.
func (k *keeper) begin() error {
	k.folder.sweep()
	text, err := os.ReadFile(k.source)
	if err != nil {
		return err
	}
	b, err := readBundle(text)
	if err != nil {
		return fmt.Errorf("%s: %w", k.source, err)
	}
	if late := b.checkTime(k.now()); late != nil {
		if had, err := os.ReadFile(k.folder.file()); err == nil && !bytes.Equal(had, b.pem) {
			if old, err := readBundle(had); err == nil && old.checkTime(k.now()) == nil {
				return fmt.Errorf("%s: %w; the proxy goes on with the one that it has", k.source, late)
			}
		}
		k.log.Error("browsers will warn", "err", late)
	}
	k.read, k.wanted = text, b
	return k.keep()
}

// run looks at the source and at the proxy until ctx ends.
func (k *keeper) run(ctx context.Context) {
	ticker := time.NewTicker(between)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			err := errors.Join(k.look(), k.keep())
			k.report(err)
		}
	}
}

// look reads the source again, which a program that renews certificates may have changed. What cannot be used is left.
func (k *keeper) look() error {
	text, err := os.ReadFile(k.source)
	if err != nil || bytes.Equal(text, k.read) {
		return err
	}
	b, err := readBundle(text)
	if err == nil {
		err = b.checkTime(k.now())
	}
	if err != nil {
		return fmt.Errorf("%s: %w; the one before is kept", k.source, err)
	}
	k.read, k.wanted, k.shown = text, b, ""
	return nil
}

// keep gives the proxy the wanted certificate: in the file for one that starts, and through its socket for one that
// runs. It returns nil where none runs. One that has started again has read the file, before it was changed or after.
func (k *keeper) keep() error {
	shown, err := k.folder.shown()
	switch {
	case errors.Is(err, errNoProxy):
		k.metrics.inUse.Set(0)
		return k.folder.write(k.wanted.pem)
	case err != nil:
		k.metrics.inUse.Set(0)
		return err
	case k.shown != "" && shown == k.shown:
		k.metrics.inUse.Set(1)
		return nil
	}
	err = k.folder.put(k.wanted.pem, func() error { return k.folder.write(k.wanted.pem) })
	if errors.Is(err, errNoProxy) {
		return k.folder.write(k.wanted.pem)
	}
	if err != nil {
		k.metrics.inUse.Set(0)
		return err
	}
	if k.shown, err = k.folder.shown(); err != nil {
		k.metrics.inUse.Set(0)
		return err
	}
	k.metrics.inUse.Set(1)
	c := k.wanted.certificate()
	k.log.Info("the proxy has the certificate", "names", c.DNSNames, "issuer", c.Issuer.String(),
		"serial", fmt.Sprintf("%x", c.SerialNumber), "until", k.wanted.notAfter().Format(time.RFC3339))
	return nil
}

// report counts and logs a failure, and the time that is left.
func (k *keeper) report(err error) {
	said := ""
	if err != nil {
		said = err.Error()
		k.metrics.failures.Inc()
	}
	if said != k.said {
		k.said = said
		if err != nil {
			k.log.Error("the certificate is not as it should be", "err", err)
		}
	}
	k.metrics.notAfter.Set(float64(k.wanted.notAfter().Unix()))
	if left := k.wanted.notAfter().Sub(k.now()); left < soon && k.now().Sub(k.warned) > 24*time.Hour {
		k.warned = k.now()
		k.log.Warn("the certificate expires soon: scripts/certificate FILE... puts in another one",
			"left", left.Round(time.Minute).String(), "until", k.wanted.notAfter().Format(time.RFC3339))
	}
}
