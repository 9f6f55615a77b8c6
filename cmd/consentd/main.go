// Command consentd is the consent server: `consentd sandbox` to try it,
// `consentd serve` to run it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the bank's time zone, wherever the binary runs
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "consentd:", err)
		os.Exit(1) //nolint:gocritic // stop only frees what the exit frees as well
	}
}
