// Package e2e drives the whole program as its users do: TPPs through
// pkg/client, PSUs through a browser or the forms that one would send. Every
// exchange with a described interface is checked against openapi/.
package e2e
