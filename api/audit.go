package main

import (
	"cmp"
	"errors"

	"github.com/woodytoys/woodytoys/api/audit"
)

// checkAudit returns an error if the audit has a stream in a shop without accounts, where there is no audit.
func (c config) checkAudit() error {
	if c.AuditLog != "" && !c.hasAccounts() {
		return errors.New("WOODY_AUDIT_LOG is for a shop with accounts: set WOODY_ACCOUNTS=on too")
	}
	return nil
}

// openAudit returns what records writes and refusals, where there are accounts; else nil. It closes its stream with the
// program.
func (p *program) openAudit() (*audit.Recorder, error) {
	if !p.cfg.hasAccounts() {
		return nil, nil
	}
	stream, err := audit.OpenStream(cmp.Or(p.cfg.AuditLog, audit.Standard))
	if err != nil {
		return nil, err
	}
	p.auditStream = stream
	return audit.New(audit.Config{Table: p.store, Stream: stream, Registerer: p.registry, Logger: p.log})
}
