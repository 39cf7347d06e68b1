// Draw draws every picture of the shop into a folder: see package art, which embeds them. A picture is a list of
// shapes; the same shapes become SVG for the shelf and pixels for the hero. Nothing is random: the same code draws the
// same bytes.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/woodytoys/woodytoys/front/art"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: draw FOLDER\n\nDraws every picture of the shop into the folder; `go generate "+
			"./front/art` calls it.")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "draw:", err)
		os.Exit(1)
	}
}

func write(folder string) error {
	for name, draw := range drawings() {
		if err := os.WriteFile(filepath.Join(folder, name), draw(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// drawings returns what draws each picture, by its file name.
func drawings() map[string]func() []byte {
	all := map[string]func() []byte{
		"hero.jpg": hero, "hero-preview.jpg": heroPreview, "favicon.ico": favicon, "icon.svg": iconSVG,
		"wordmark.svg": wordmark,
	}
	for _, model := range art.Models {
		for i, paint := range art.Paints {
			all[art.ToyPicture(model.Name, paint)] = func() []byte {
				return toys[model.Name](palettes[i]).svg("-6 -6 212 202", 212, 202)
			}
		}
	}
	return all
}

// toys are how the models of package art are drawn.
var toys = map[string]func(palette) drawing{
	"train": train, "boat": boat, "horse": horse, "yoyo": yoyo, "top": top, "rings": rings, "duck": duck,
	"plane": plane,
	"car":   car, "blocks": blocks, "robot": robot, "doll": doll, "rocket": rocket,
}
