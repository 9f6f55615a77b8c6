// Package faults kills the program and shows that nothing comes of it. A test
// runs each walk of a PSU once to learn which points (internal/points) it
// reaches, and then once more for every time that it reaches one: the program is
// killed there, started anew over the same database, and the TPP and the PSU go
// on as people and programs do, by loading the page again or repeating the call.
package faults
