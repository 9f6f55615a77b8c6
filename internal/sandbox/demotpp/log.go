package demotpp

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// logPage lists every exchange of a visitor.
type logPage struct {
	place
	Exchanges []exchange
	Kept      int // how many are, at most
}

func (a *App) log(c echo.Context) error {
	return a.render(c, http.StatusOK, "log", logPage{a.place(c), a.visitor(c).all(), maxExchanges})
}

// forget begins anew: the visitor's consents go from here, and stay at the bank.
func (a *App) forget(c echo.Context) error {
	a.visitor(c).clear()
	return c.Redirect(http.StatusSeeOther, "/tpp")
}
