package web

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// code is a QR code as the page draws it: modules of one by one, in a square of
// Size with the quiet zone of four that readers want (ISO/IEC 18004 §6.3.8).
type code struct {
	Size int
	Path string // of the dark modules, in SVG
}

const quietZone = 4

// draw makes the QR code of a text.
func draw(text string) (*code, error) {
	made, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		// The library's words repeat the text, which may be a secret.
		return nil, fmt.Errorf("draw a QR code of %d bytes: %T", len(text), err)
	}
	size := made.Bounds().Dx()
	dark := func(x, y int) bool {
		r, _, _, _ := made.At(x, y).RGBA()
		return r == 0
	}
	var b strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			from := x
			for x < size && dark(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+quietZone, y+quietZone, x-from, x-from)
			}
		}
	}
	return &code{Size: size + 2*quietZone, Path: b.String()}, nil
}
