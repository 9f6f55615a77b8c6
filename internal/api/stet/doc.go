// Package stet speaks STET's PSD2 interface.
package stet
