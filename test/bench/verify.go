package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// perOperation is the line of a Go benchmark that counts.
var perOperation = regexp.MustCompile(`(?m)^BenchmarkSignedCall\S*\s+\d+\s+([0-9.]+) ns/op`)

// verifyAlone measures what it takes to verify a call: both certificates, which
// are known already, the digest and the signature.
func (b *bench) verifyAlone(ctx context.Context) (time.Duration, error) {
	out, err := exec.CommandContext(ctx, b.verify, "-test.run=^$", "-test.bench=^BenchmarkSignedCall$", "-test.benchtime=500ms").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("verification alone: %w\n%s", err, out)
	}
	found := perOperation.FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("verification alone has no result\n%s", out)
	}
	nanoseconds, err := strconv.ParseFloat(string(found[1]), 64)
	return time.Duration(nanoseconds), err
}
