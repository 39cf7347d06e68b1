package accounts

import (
	"crypto/rand"
	"encoding/base64"
)

// A device is known by a secret that it was given at a good sign-in: what others fail to guess elsewhere, or at the
// same address, does not have its owner wait (OWASP calls it a device cookie). It lets nobody in, and serves all names
// that are signed in with there. Only a hash of it, with the name, is stored.

const deviceBytes = 16

// newDevice returns the secret of a device, in 22 characters of base64url.
func newDevice() string {
	raw := make([]byte, deviceBytes)
	_, _ = rand.Read(raw) // it never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}

// cleanDevice returns a secret that can be a device's, and nothing for all else.
func cleanDevice(device string) string {
	if len(device) != base64.RawURLEncoding.EncodedLen(deviceBytes) {
		return ""
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(device); err != nil {
		return ""
	}
	return device
}

func deviceKey(name, device string) Key { return keyOf("device", name, device) }
