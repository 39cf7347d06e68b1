package main

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/woodytoys/woodytoys/front/art"
)

// TestThePicturesAreThoseDrawn checks the embedded pictures against what this program draws.
func TestThePicturesAreThoseDrawn(t *testing.T) {
	all := drawings()
	if got, want := art.Names(), slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Errorf("the pictures are %q, want %q: call go generate ./front/art", got, want)
	}
	for name, draw := range all {
		if !bytes.Equal(draw(), art.Picture(name)) {
			t.Errorf("%s is not what is drawn: call go generate ./front/art", name)
		}
	}
}
