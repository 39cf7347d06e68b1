package main

import (
	"errors"
	"fmt"

	"github.com/woodytoys/woodytoys/api/tokens"
)

// checkTokenKeys refuses keys without accounts, and accounts of several replicas without keys that all of them have.
func (c config) checkTokenKeys() error {
	switch {
	case len(c.TokenKeysFiles) > 0 && !c.hasAccounts():
		return errors.New("WOODY_TOKEN_KEYS_FILES is for a shop with accounts: set WOODY_ACCOUNTS=on too")
	case len(c.TokenKeysFiles) == 0 && c.hasAccounts() && c.DBDSN != "":
		return errors.New("WOODY_ACCOUNTS=on with a database server needs WOODY_TOKEN_KEYS_FILES, the same keys on " +
			"all replicas")
	}
	return nil
}

// openTokenKeys returns the keys of tokens; nil where there are no accounts. The one process on a SQLite file may have
// a key of its own: when it starts again, its tokens are no good, and pages get new ones by their cookie.
func (p *program) openTokenKeys() (*tokens.Keys, error) {
	switch {
	case !p.cfg.hasAccounts():
		return nil, nil
	case len(p.cfg.TokenKeysFiles) == 0:
		return tokens.Generate()
	}
	keys, err := tokens.Load(p.cfg.TokenKeysFiles...)
	if err != nil {
		return nil, fmt.Errorf("WOODY_TOKEN_KEYS_FILES: %w", err)
	}
	return keys, nil
}
