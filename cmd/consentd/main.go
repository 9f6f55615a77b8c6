// Command consentd is the consent server: `consentd sandbox` to try it,
// `consentd serve` to run it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // the bank's time zone, wherever the binary runs
)

// gcPercent lets garbage grow further before it is collected than Go does by
// itself: the live heap is ten megabytes, so that costs little memory and
// saves a tenth of the processor under load. At 400 it would save one percent more, and
// take 20 megabytes. GOGC overrides it.
const gcPercent = 260

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "consentd:", err)
		os.Exit(1) //nolint:gocritic // stop only frees what the exit frees as well
	}
}
