package outbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// unreadable stands in a record for tags that cannot be written down. The epoch is bumped for it, as for any that
// cannot be read.
const unreadable = ""

// encodeTags returns what stands in a record for tags: JSON in ASCII, which the database has whatever its character
// set. It is unreadable for tags that are no UTF-8, which JSON would change.
func encodeTags(tags []string) (list string, err error) {
	if slices.ContainsFunc(tags, func(tag string) bool { return !utf8.ValidString(tag) }) {
		return unreadable, nil
	}
	text, err := json.Marshal(tags)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, r := range string(text) {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String(), nil
}

// decodeTags returns the tags of a record.
func decodeTags(list string) (tags []string, err error) {
	err = json.Unmarshal([]byte(list), &tags)
	return tags, err
}
