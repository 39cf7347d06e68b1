package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// svg writes the drawing as a self-contained SVG image, cropped to the given view box.
func (d drawing) svg(viewBox string, width, height int) []byte {
	var defs, body strings.Builder
	gradient := map[ink]string{}
	for _, s := range d {
		fill := fmt.Sprintf("#%06x", uint32(s.fill))
		if s.finish != mark {
			id, known := gradient[s.fill]
			if !known {
				id = "g" + strconv.Itoa(len(gradient))
				gradient[s.fill] = id
				writeGradient(&defs, id, s.fill)
			}
			fill = "url(#" + id + ")"
		}
		fmt.Fprintf(&body, `<path fill="%s"%s d="%s"/>`, fill, opacityAttr(s.opacity), s.outline.data())
	}
	return fmt.Appendf(nil,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="%s" width="%d" height="%d"><defs>%s</defs>%s</svg>`,
		viewBox, width, height, defs.String(), body.String())
}

// writeGradient shades a colour as if the light came from above left.
func writeGradient(b *strings.Builder, id string, c ink) {
	fmt.Fprintf(b, `<linearGradient id="%s" x2=".35" y2="1"><stop stop-color="#%06x"/>`+
		`<stop offset=".45" stop-color="#%06x"/><stop offset="1" stop-color="#%06x"/></linearGradient>`,
		id, uint32(c.lighter(28)), uint32(c), uint32(c.darker(22)))
}

func opacityAttr(percent int) string {
	if percent == 0 || percent == 100 {
		return ""
	}
	return fmt.Sprintf(` opacity="%g"`, float64(percent)/100)
}

// data returns the path as SVG path data, to a tenth of a unit.
func (p path) data() string {
	var b strings.Builder
	for _, s := range p {
		b.WriteByte(s.op)
		for i := range arity[s.op] / 2 {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(tenth(s.pts[i].x) + " " + tenth(s.pts[i].y))
		}
	}
	return b.String()
}

func tenth(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }
