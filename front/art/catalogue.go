package art

import (
	"hash/fnv"
	"strings"
)

// A model is a kind of toy: how it is drawn, and the words that say a product is one.
type model struct {
	name  string
	draw  func(palette) drawing
	words []string
}

var models = []model{
	{"train", train, []string{"train", "loco", "wagon", "rail"}},
	{"boat", boat, []string{"boat", "bateau", "ship", "sail", "voilier"}},
	{"horse", horse, []string{"horse", "cheval", "poney", "pony"}},
	{"yoyo", yoyo, []string{"yoyo", "yo-yo"}},
	{"top", top, []string{"toupie", "spinning", "top"}},
	{"rings", rings, []string{"ring", "anneau", "tower", "tour", "pyramid"}},
	{"duck", duck, []string{"duck", "canard", "bird", "oiseau"}},
	{"plane", plane, []string{"plane", "avion"}},
	{"car", car, []string{"car", "voiture", "auto", "truck", "camion"}},
	{"blocks", blocks, []string{"block", "cube", "brique", "brick", "puzzle"}},
	{"robot", robot, []string{"robot"}},
	{"doll", doll, []string{"doll", "poup", "matr"}},
	{"rocket", rocket, []string{"rocket", "fus", "space"}},
}

// Pictures gives every toy picture of the shop by its file name, such as "toy-train-tomato.svg".
func Pictures() map[string][]byte {
	out := make(map[string][]byte, len(models)*len(palettes))
	for _, m := range models {
		for _, p := range palettes {
			out[pictureName(m, p)] = m.draw(p).svg("-6 -6 212 202", 212, 202)
		}
	}
	return out
}

// PictureFor names the picture of the toy that is called name: the model its words say, else one chosen by the name,
// in a colour chosen by the name. The same name always gets the same picture; the empty name gets one too.
func PictureFor(name string) string {
	h := fnv.New32a()
	h.Write([]byte(name))
	sum := h.Sum32()
	m := models[sum%uint32(len(models))]
	if said, ok := modelSaid(strings.ToLower(name)); ok {
		m = said
	}
	return pictureName(m, palettes[sum>>8%uint32(len(palettes))])
}

// modelSaid finds the model one of whose words begins a word of the name: "Joli train" is a train, "laptop" is no top.
func modelSaid(lower string) (model, bool) {
	for word := range strings.FieldsFuncSeq(lower, func(r rune) bool { return strings.ContainsRune(" \t,.'\"_()", r) }) {
		for _, m := range models {
			for _, w := range m.words {
				if strings.HasPrefix(word, w) {
					return m, true
				}
			}
		}
	}
	return model{}, false
}

func pictureName(m model, p palette) string { return "toy-" + m.name + "-" + p.name + ".svg" }
