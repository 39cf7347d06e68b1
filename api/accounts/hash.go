package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/slots"
)

// cost is what it costs to compute a hash of argon2id (RFC 9106).
type cost struct {
	memoryKiB, time uint32
	threads         uint8
}

var (
	// hashCost is the cost of new hashes: what OWASP's Password Storage Cheat Sheet names first for little memory.
	hashCost = cost{memoryKiB: 19 * 1024, time: 2, threads: 1}
	// mostCost is the most that a hash may cost which another release has made, a later one as well.
	mostCost = cost{memoryKiB: 64 * 1024, time: 4, threads: 4}
)

const (
	hashBytes = 32
	saltBytes = 16
)

const (
	// hashesAtOnce is how many passwords a replica hashes at once. More would keep requests from its processors, and
	// take 19 MiB each.
	hashesAtOnce = 2
	// strangersAtOnce is how many of them may be for names that have never been signed in with from where the try
	// comes from: a flood of those is to leave room for the others.
	strangersAtOnce = 1
)

// prefix begins the text of a hash, in the PHC string format, which is followed by a salt and the hash.
func (c cost) prefix() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, c.memoryKiB, c.time, c.threads)
}

// hasher hashes passwords, few at once.
type hasher struct {
	cost           cost // of new hashes
	all, strangers *slots.Slots
	made           atomic.Int64 // how many hashes, for tests
}

func newHasher(wait time.Duration) *hasher {
	return &hasher{cost: hashCost, all: slots.New(hashesAtOnce, wait), strangers: slots.New(strangersAtOnce, wait)}
}

// nobody returns the hash of no password: what is tried for a name that no account has is compared with it.
func (h *hasher) nobody() string {
	return h.cost.text(make([]byte, saltBytes), make([]byte, hashBytes))
}

// hash returns the text of a normal password's hash, under a salt of its own.
func (h *hasher) hash(ctx context.Context, password string, stranger bool) (string, error) {
	release, err := h.acquire(ctx, stranger)
	if err != nil {
		return "", err
	}
	defer release()
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // it never fails
	return h.cost.text(salt, h.key(password, salt, h.cost)), nil
}

// matches reports whether a hash is that of a normal password. It costs the same either way. A hash of another cost,
// which another release has made, is as good.
func (h *hasher) matches(ctx context.Context, password, text string, stranger bool) (bool, error) {
	salt, want, cost, err := parseHash(text)
	if err != nil {
		return false, err
	}
	release, err := h.acquire(ctx, stranger)
	if err != nil {
		return false, err
	}
	defer release()
	return subtle.ConstantTimeCompare(h.key(password, salt, cost), want) == 1, nil
}

func (h *hasher) key(password string, salt []byte, c cost) []byte {
	h.made.Add(1)
	return argon2.IDKey([]byte(password), salt, c.time, c.memoryKiB, c.threads, hashBytes)
}

// acquire takes the right to hash. Its error is Busy where too many wait for it.
func (h *hasher) acquire(ctx context.Context, stranger bool) (release func(), err error) {
	release = h.all.Release
	if stranger {
		if err := h.strangers.Acquire(ctx); err != nil {
			return nil, busyHashing(err)
		}
		release = func() {
			h.all.Release()
			h.strangers.Release()
		}
	}
	if err := h.all.Acquire(ctx); err != nil {
		if stranger {
			h.strangers.Release()
		}
		return nil, busyHashing(err)
	}
	return release, nil
}

func busyHashing(err error) error {
	if !errors.Is(err, slots.ErrBusy) {
		return err
	}
	return &shop.Error{
		Kind: shop.Busy, Err: err, RetryAfter: 2 * time.Second,
		Detail: "Many sign in at the moment; try again in a little while.",
	}
}

// text returns a hash of this cost as a text.
func (c cost) text(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return c.prefix() + b64.EncodeToString(salt) + "$" + b64.EncodeToString(key)
}

// parseHash returns what cost.text made a text of, in this release or another one, and its cost.
func parseHash(text string) (salt, key []byte, c cost, err error) {
	parts := strings.Split(text, "$")
	const all = 6 // the first is empty
	if len(parts) != all {
		return nil, nil, c, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memoryKiB, &c.time, &c.threads); err != nil ||
		!strings.HasPrefix(text, c.prefix()) || !c.fits() {
		return nil, nil, c, errHash
	}
	b64 := base64.RawStdEncoding.Strict()
	salt, err = b64.DecodeString(parts[4])
	key, keyErr := b64.DecodeString(parts[5])
	if err != nil || keyErr != nil || len(key) != hashBytes {
		return nil, nil, c, errHash
	}
	return salt, key, c, nil
}

var errHash = errors.New("the hash of an account's password is not one that this release can read")

// fits reports whether a cost is one that argon2 has, and no more than a replica is to bear.
func (c cost) fits() bool {
	return c.threads >= 1 && c.threads <= mostCost.threads && c.time >= 1 && c.time <= mostCost.time &&
		c.memoryKiB >= 8*uint32(c.threads) && c.memoryKiB <= mostCost.memoryKiB
}
