package art

import (
	"hash/fnv"
	"strings"
)

// Model is a kind of toy.
type Model struct {
	Name string
	// Words are the words, or their beginnings, by which a product is recognised as this toy.
	Words []string
}

// Models are the kinds of toys that there are pictures of.
var Models = []Model{
	{"train", []string{"train", "loco", "wagon", "rail"}},
	{"boat", []string{"boat", "bateau", "ship", "sail", "voilier"}},
	{"horse", []string{"horse", "cheval", "poney", "pony"}},
	{"yoyo", []string{"yoyo", "yo-yo"}},
	{"top", []string{"toupie", "spinning", "top"}},
	{"rings", []string{"ring", "anneau", "tower", "tour", "pyramid"}},
	{"duck", []string{"duck", "canard", "bird", "oiseau"}},
	{"plane", []string{"plane", "avion"}},
	{"car", []string{"car", "voiture", "auto", "truck", "camion"}},
	{"blocks", []string{"block", "cube", "brique", "brick", "puzzle"}},
	{"robot", []string{"robot"}},
	{"doll", []string{"doll", "poup", "matr"}},
	{"rocket", []string{"rocket", "fus", "space"}},
}

// Paints are the colours that each toy is sold in.
var Paints = []string{"tomato", "marigold", "lagoon", "leaf", "plum"}

// ToyPicture returns the file name of a model's picture in a paint.
func ToyPicture(model, paint string) string { return "toy-" + model + "-" + paint + ".svg" }

// PictureFor returns the file name of the picture of the toy that is called name: the model that its words name, else
// one chosen by the name, in a paint chosen by the name. The same name always gets the same picture; the empty name
// gets one too.
func PictureFor(name string) string {
	h := fnv.New32a()
	h.Write([]byte(name))
	sum := h.Sum32()
	model := Models[sum%uint32(len(Models))]
	if said, ok := modelNamed(strings.ToLower(name)); ok {
		model = said
	}
	return ToyPicture(model.Name, Paints[sum>>8%uint32(len(Paints))])
}

// modelNamed returns the model one of whose words begins a word of the name, and whether there is one: "Joli train" is
// a train, "laptop" is no top.
func modelNamed(lower string) (Model, bool) {
	for word := range strings.FieldsFuncSeq(lower,
		func(r rune) bool { return strings.ContainsRune(" \t,.'\"_()", r) }) {
		for _, model := range Models {
			for _, beginning := range model.Words {
				if strings.HasPrefix(word, beginning) {
					return model, true
				}
			}
		}
	}
	return Model{}, false
}
