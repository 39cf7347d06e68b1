// Package art draws every picture of the shop: the toys, the wordmark, the icon and the large hero scene.
// A picture is a list of shapes; the same shapes become SVG for the shelf and pixels for the hero.
// Nothing is read from disk and nothing is random: the same code gives the same bytes on every replica, which is what
// lets a picture's name carry the hash of its content.
package art
