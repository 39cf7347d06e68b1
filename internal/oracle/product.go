package oracle

import (
	"bytes"
	"strconv"
)

// Product is the shop's JSON of a product.
type Product struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Version int64  `json:"version"`
}

// State returns the product's state, by its name and version.
func (p Product) State() State { return State{Version: p.Version, Content: p.Name} }

// AppendJSON appends the product as the shop sends it. Its name may have no characters that JSON escapes.
func (p Product) AppendJSON(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"id":`...), p.ID, 10)
	b = append(append(b, `,"name":"`...), p.Name...)
	return append(strconv.AppendInt(append(b, `","version":`...), p.Version, 10), '}')
}

var versionField = []byte(`","version":`)

// VersionOf returns the version in a product's JSON, without parsing the rest; zero where there is none.
func VersionOf(body []byte) int64 {
	at := bytes.LastIndex(body, versionField)
	if at < 0 {
		return 0
	}
	version, err := strconv.ParseInt(string(bytes.TrimSuffix(body[at+len(versionField):], []byte("}"))), 10, 64)
	if err != nil {
		return 0
	}
	return version
}
