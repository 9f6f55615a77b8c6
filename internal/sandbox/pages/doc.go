// Package pages answers the calls to the sandbox's own paths: it owns the pages'
// templates, style and headers, the bar that leads from one to another, the words of
// errors to people and to programs, and how bodies are read.
//
// What a page shows is handed to it; it knows no bank, no consents and no tools.
package pages
