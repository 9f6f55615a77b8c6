// Package edge holds what every surface does with a request in the same way: its
// X-Request-ID, its path, the formats that it accepts, the reading of its body, and
// what Echo, the network and time say when something goes wrong, in words of the
// domain. What a surface answers, and in which form, is its own.
package edge
