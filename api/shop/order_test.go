package shop_test

import (
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/api/shop"
)

func TestCleanOrderID(t *testing.T) {
	const id = "0c7da1a0-77bd-4dd6-9a0f-b5f0bdf0ba2e"
	for _, asked := range []string{id, strings.ToUpper(id), strings.ToUpper(id[:4]) + id[4:]} {
		if got, err := shop.CleanOrderID(asked); got != id || err != nil {
			t.Errorf("CleanOrderID(%q) = %q, %v; want %q", asked, got, err, id)
		}
	}
	for _, asked := range []string{
		"", "x", id + " ", " " + id, id[1:], id[1:] + " ", "{" + id + "}", "urn:uuid:" + id,
		strings.ReplaceAll(id, "-", ""),
		strings.ReplaceAll(id, "-", "_"), id + "\x00", "😀", strings.Repeat("-", 36),
		strings.Replace(id, "0c7d", "０７", 1),
	} {
		if got, err := shop.CleanOrderID(asked); shop.KindOf(err) != shop.Invalid || got != "" {
			t.Errorf("CleanOrderID(%q) = %q, %v; want Invalid", asked, got, err)
		}
	}
}
