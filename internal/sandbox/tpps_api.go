package sandbox

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"consentd/internal/sandbox/pages"
	"consentd/pkg/eidas"
)

// tppFace is a TPP in the list.
type tppFace struct {
	TPP     string       `json:"tpp"` // for X-Sandbox-TPP
	ID      string       `json:"id"`  // as the register has it
	Name    string       `json:"name"`
	Roles   []eidas.Role `json:"roles"` // over plain http
	Defect  defect       `json:"defect,omitempty"`
	Domains []string     `json:"domains,omitempty"`
	// Certified tells whether there are certificates yet.
	Certified bool `json:"certified"`
}

func (s *Sandbox) listTPPs(c echo.Context) error {
	faces := []tppFace{}
	for _, name := range s.TPPs.names() {
		who, _ := s.TPPs.find(name)
		e, made := s.TPPs.entry(name)
		faces = append(faces, tppFace{
			TPP: name, ID: who.ID, Name: who.Name, Roles: who.Roles, Defect: e.Defect, Domains: e.Domains, Certified: made,
		})
	}
	return c.JSON(http.StatusOK, faces)
}

func (s *Sandbox) readTPP(c echo.Context) error {
	k, err := s.TPPs.Kit(c.Request().Context(), c.Param("tpp"))
	return s.handOver(c, http.StatusOK, k, err)
}

func (s *Sandbox) makeTPP(c echo.Context) error {
	var o Order
	if err := pages.Decode(c.Request(), &o); err != nil {
		return s.fail(c, err)
	}
	k, fresh, err := s.TPPs.Order(c.Request().Context(), o)
	status := http.StatusOK
	if fresh {
		status = http.StatusCreated
		c.Response().Header().Set(echo.HeaderLocation, "/sandbox/tpps/"+k.TPP)
	}
	return s.handOver(c, status, k, err)
}

// handOver answers with keys, which nobody on the way is to keep.
func (s *Sandbox) handOver(c echo.Context, status int, k Kit, err error) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	if err != nil {
		return s.fail(c, err)
	}
	return c.JSON(status, k)
}
