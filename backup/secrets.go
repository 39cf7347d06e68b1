package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/woodytoys/woodytoys/internal/settings"
)

// secretsName is the file under which secrets are kept.
const secretsName = "secrets.tar"

// secretsRepository is beside the other one, with a key of its own: whoever can read backups cannot read secrets.
func (k *keeper) secretsRepository() (repository, error) {
	key, err := settings.Secret("WOODY_BACKUP_SECRETS_KEY", "", k.cfg.SecretsKeyFile)
	if err != nil {
		return repository{}, err
	}
	if key == "" {
		return repository{}, errors.New("WOODY_BACKUP_SECRETS_KEY_FILE must name a file with the key of the secrets")
	}
	return repository{place: secretsPlace(k.cfg.Repository), key: key}, nil
}

var serverAlone = regexp.MustCompile(`^rest:https?://[^/]*$`)

// secretsPlace returns where secrets are kept, beside the backups. Where these are at a server's root it is a folder
// there, and not another server. (scripts/rotation.sh does the same.)
func secretsPlace(backups string) string {
	backups = strings.TrimSuffix(backups, "/")
	if serverAlone.MatchString(backups) {
		return backups + "/secrets"
	}
	return backups + "-secrets"
}

// keptSecrets is how many are kept.
const keptSecrets = "10"

func (k *keeper) keepSecrets(ctx context.Context, in io.Reader, say sayer) error {
	content, err := io.ReadAll(in) // all of it, or nothing is kept
	if err != nil {
		return fmt.Errorf("the secrets did not come to their end, and are not kept: %w", err)
	}
	if len(content) == 0 {
		return errors.New("no secrets came on standard input")
	}
	repo, err := k.secretsRepository()
	if err != nil {
		return err
	}
	k.secrets.Lock() // to open it removes whatever locks it has
	defer k.secrets.Unlock()
	if err := repo.open(ctx); err != nil {
		return err
	}
	if _, err := repo.saveStream(ctx, bytes.NewReader(content), secretsName, "kind:secrets"); err != nil {
		return err
	}
	say.say("the secrets are kept: the key is to be kept elsewhere")
	return repo.run(ctx, "forget", "--keep-last", keptSecrets, "--group-by", "tags", "--prune")
}

func (k *keeper) giveSecrets(ctx context.Context, w io.Writer) error {
	repo, err := k.secretsRepository()
	if err != nil {
		return err
	}
	k.secrets.Lock()
	defer k.secrets.Unlock()
	cmd := repo.command("dump", "latest", secretsName)
	cmd.Stdout = w
	return runChild(ctx, cmd)
}
