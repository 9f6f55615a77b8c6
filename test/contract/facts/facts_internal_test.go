package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// description holds one of everything that the program must fold.
const description = `
openapi: 3.0.1
info: {title: t, version: '1'}
paths:
  /v1/accounts: {get: {responses: {'200': {description: not about consents}}}}
  /v1/consents:
    parameters:
      - {name: X-Request-ID, in: header, required: true, schema: {type: string}}
    post:
      parameters:
        - {name: consentId, in: query, schema: {type: string}}
        - {name: TPP-Redirect-Preferred, in: header, schema: {type: string, enum: ['true', 'false']}}
      requestBody:
        content:
          application/json:
            schema:
              oneOf:
                - {}
                - type: object
                  required: [a, b]
                  properties: {a: {type: string, maxLength: 5}, b: {type: array, items: {type: integer}}}
                - {$ref: '#/components/schemas/More'}
      responses:
        '201':
          description: made
          headers: {Location: {schema: {type: string}}}
          content:
            application/json:
              schema:
                allOf:
                  - {$ref: '#/components/schemas/More'}
                  - {type: object, required: [a], properties: {a: {type: string, enum: [y, x]}}}
        '400': {description: wrong}
        '401': {description: wrong}
    delete:
      responses:
        '204': {description: gone}
        '400': {description: wrong}
        '401': {description: wrong}
components:
  schemas:
    More:
      type: object
      required: [c]
      properties:
        a: {type: string, maxLength: 7}
        c: {type: object, properties: {href: {type: string}}}
        d: {$ref: '#/components/schemas/Forgotten'}
`

const distilled = `
DELETE /v1/consents
  headers
    X-Request-ID required string
  204 headers
  400 headers
  401 headers

POST /v1/consents
  headers
    TPP-Redirect-Preferred boolean
    X-Request-ID required string
  request application/json
    a string max=7
    b array:integer
    c link
    d
  201 application/json
    a required string max=7 enum=x,y
    c required link
    d
  201 headers
    Location string
  4xx 5xx like DELETE /v1/consents
`

func TestDistil(t *testing.T) {
	t.Parallel()
	in, out := filepath.Join(t.TempDir(), "in.yaml"), filepath.Join(t.TempDir(), "out")
	require.NoError(t, os.WriteFile(in, []byte(description), 0o600))
	require.NoError(t, run(out, []string{in}))

	written, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.Equal(t, notice+distilled, string(written))

	read, err := parse(string(written))
	require.NoError(t, err)
	facts := read.facts()
	assert.True(t, facts["POST /v1/consents | 201 application/json | a | enum=y"])
	assert.True(t, facts["POST /v1/consents | 401 headers"], "what is repeated counts")
	assert.Len(t, facts, 40)
}

func TestWhatCannotBeDistilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	out := filepath.Join(dir, "out")
	for name, files := range map[string][]string{
		"no file":            nil,
		"file is missing":    {filepath.Join(dir, "none")},
		"not YAML":           {file("words", "a: b: c")},
		"not a description":  {file("list", "- 1")},
		"nothing on consent": {file("other", strings.ReplaceAll(description, "/v1/consents:", "/v1/baskets:"))},
	} {
		require.Error(t, run(out, files), name)
	}
	require.Error(t, run("", []string{file("right", description)}), "no table is named")
	assert.NoFileExists(t, out)
}

func TestTablesThatReferToNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"GET /a\n  headers like GET /b headers\n",
		"GET /a\n  headers like nothing\n",
		"GET /a\n  4xx 5xx like GET /b\n",
	} {
		_, err := parse(text)
		assert.Error(t, err, text)
	}
}
