// Package art is every picture of the shop: the toys, the wordmark, the icons and the large hero scene. They are files,
// drawn once by the program in draw and embedded, so that all builds and replicas have the same bytes: a picture's
// public name carries the hash of its content.
package art

//go:generate go run ./draw pictures
