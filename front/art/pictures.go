package art

import "embed"

// HeroWidth and HeroHeight are the size of hero.jpg in pixels. It has about 5 MB, the lab's weight.
const (
	HeroWidth  = 3072
	HeroHeight = 1536
)

//go:embed pictures
var pictures embed.FS

// Names returns the file name of every picture, such as "toy-train-tomato.svg" or "hero.jpg".
func Names() []string {
	files, err := pictures.ReadDir("pictures")
	if err != nil {
		panic("art: " + err.Error()) // it is embedded
	}
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = file.Name()
	}
	return names
}

// Picture returns a picture by its file name. It panics without one of that name, since only our own files name them.
func Picture(name string) []byte {
	picture, err := pictures.ReadFile("pictures/" + name)
	if err != nil {
		panic("art: " + err.Error())
	}
	return picture
}
