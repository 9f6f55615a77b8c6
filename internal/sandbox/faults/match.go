package faults

import (
	"regexp"
	"strings"

	"consentd/internal/consent"
)

// pattern tells calls by their method, or * for any, and their path, in which *
// is any one segment and ** at the end any number of them.
type pattern struct{ Method, Path string }

// String is the pattern as it is written.
func (p pattern) String() string { return p.Method + " " + p.Path }

var patternForm = regexp.MustCompile(`^(\*|[A-Z]{1,20}) ((?:/[A-Za-z0-9._~!$&'()+,;=:@%-]*|/\*)*(?:/\*\*)?)$`)

// maxPattern is the length in bytes of the longest pattern.
const maxPattern = 500

// readPattern reads a pattern. Fails with CodeFormat.
func readPattern(text string) (pattern, error) {
	form := patternForm.FindStringSubmatch(text)
	if form == nil || form[2] == "" || len(text) > maxPattern {
		return pattern{}, consent.At(consent.CodeFormat, memberMatch,
			"match must be a method and a path, such as POST /v1/consents; * stands for any method or any one segment, /** at the end for all below")
	}
	p := pattern{Method: form[1], Path: form[2]}
	if p.first() == "sandbox" {
		return pattern{}, consent.At(consent.CodeFormat, memberMatch, "match must not be a path of the sandbox itself: faults would not be lifted any more")
	}
	return p, nil
}

// first is the first segment of the path.
func (p pattern) first() string {
	segment, _, _ := strings.Cut(p.Path[1:], "/")
	return segment
}

// pagesOfPSU is the first segment of the paths of the PSU's pages.
const pagesOfPSU = "sca"

// pages reports whether the pattern names the pages of the PSU.
func (p pattern) pages() bool { return p.first() == pagesOfPSU }

// isPage reports whether a path is that of a page of the PSU.
func isPage(path string) bool { return strings.HasPrefix(path, "/"+pagesOfPSU+"/") }

// matches reports whether a call is one of the pattern's.
func (p pattern) matches(method, path string) bool {
	if p.Method != "*" && p.Method != method {
		return false
	}
	want, got := strings.Split(p.Path, "/"), strings.Split(path, "/")
	for i, segment := range want {
		switch {
		case segment == "**":
			return true // what lies below, and the path itself
		case i == len(got), segment == "*" && got[i] == "", segment != "*" && segment != got[i]:
			return false
		}
	}
	return len(want) == len(got)
}
