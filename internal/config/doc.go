// Package config reads the one YAML file that a production server is started
// with.
//
// It owns the file's shape, its defaults and every check that needs nothing but
// the file, the environment and the secret files that it names. What a section
// means is left to the packages that it is handed to: the composition root turns
// these plain values into their options.
//
// [Load] reports everything that is wrong at once, as [Problems], each with its
// line, column and dotted path. A key that the file's shape doesn't have is a
// problem too, so a misspelt setting never goes unnoticed.
//
// # Secrets
//
// A secret comes from a file (keys that end in File) or from the environment
// (keys that end in Env). A relative file is taken from $CREDENTIALS_DIRECTORY
// where that is set, as systemd does for LoadCredential, else from the directory
// of the configuration. White space around a secret is dropped. A [Secret] is
// never printed, and no problem shows a value.
package config
