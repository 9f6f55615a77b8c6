package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
)

//go:embed assets
var files embed.FS

const assetsPath = "/psu/assets/"

// asset is a file that pages refer to. Its address holds a digest of its
// content, so that browsers may keep it for good.
type asset struct {
	content []byte
	kind    string
}

type assets struct {
	byName map[string]asset  // style.1a2b3c4d.css
	named  map[string]string // style.css → style.1a2b3c4d.css
}

var assetKinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
	".js":  "text/javascript; charset=utf-8",
}

func newAssets() *assets {
	a := &assets{byName: map[string]asset{}, named: map[string]string{}}
	for _, name := range []string{"style.css", "board.css", "mark.svg", "passkey.js"} {
		content, err := files.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // embedded, so it cannot be missing
		}
		digest := sha256.Sum256(content)
		ext := path.Ext(name)
		full := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(digest[:8]) + ext
		a.named[name] = full
		a.byName[full] = asset{content: content, kind: assetKinds[ext]}
	}
	return a
}

// path is the address of a file.
func (a *assets) path(name string) string { return assetsPath + a.named[name] }

func (a *assets) serve(c echo.Context) error {
	file, ok := a.byName[c.Param("name")]
	if !ok {
		return echo.NewHTTPError(http.StatusNotFound)
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
	return c.Blob(http.StatusOK, file.kind, file.content)
}
