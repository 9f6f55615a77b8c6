// Command floor is what nothing built on Echo can be faster than: a server that
// answers one constant on the path of a consent's status, and another one to a
// check of a read, whose body it leaves unread. The benchmark starts it.
package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/labstack/echo/v4"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// serve listens on the address given, which must be one of this machine.
func serve(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: floor 127.0.0.1:PORT")
	}
	host, _, err := net.SplitHostPort(args[0])
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%s is not loopback", host)
	}
	e := echo.New()
	answer := []byte(`{"consentStatus":"received"}`)
	e.GET("/v1/consents/:consentId/status", func(c echo.Context) error {
		return c.JSONBlob(http.StatusOK, answer)
	})
	decision := []byte(`{"decision":"allow"}`)
	e.POST("/aspsp/v1/access-checks", func(c echo.Context) error {
		return c.JSONBlob(http.StatusOK, decision)
	})
	server := &http.Server{Addr: args[0], Handler: e, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}
