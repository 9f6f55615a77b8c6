package docs

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParagraphs(t *testing.T) {
	t.Parallel()
	assert.Empty(t, paragraphs(" \n\n "))
	assert.Equal(t, []Paragraph{
		{{Text: "one line "}, {Text: "code", Code: true}, {Text: "."}},
		{{Text: "a lone "}, {Text: "` stays"}},
		{{Text: "<b>"}},
	}, paragraphs("one\nline `code`.\n\na lone ` stays\n\n<b>\n"))
}

func TestNodeExpandsReferences(t *testing.T) {
	t.Parallel()
	root, err := readNode([]byte(`
defs:
  base: {type: object, description: old, properties: {b: {type: string}, a: {type: integer}}}
  closed: {allOf: [{$ref: '#/defs/base'}], unevaluatedProperties: false}
use:
  $ref: '#/defs/closed'
  description: new
  properties: {a: {minimum: 1}}
`))
	require.NoError(t, err)
	row := schemaRow("use", root.get("use"))
	assert.Equal(t, "object", row.Type)
	assert.Equal(t, []Paragraph{{{Text: "new"}}}, row.Text, "what stands beside a reference wins")
	require.Len(t, row.Rows, 2)
	assert.Equal(t, "b", row.Rows[0].Name, "the author's order is kept")
	assert.Equal(t, []Fact{{"at least", "1"}}, row.Rows[1].Facts)

	for _, bad := range []string{"- a", "a: [", "text"} {
		_, err := readNode([]byte(bad))
		assert.Error(t, err, bad)
	}
}

func TestJSONKeepsOrder(t *testing.T) {
	t.Parallel()
	root, err := readNode([]byte(`{b: [1, 'x<y', {}], a: null, c: {d: true, e: []}, f: 1.50}`))
	require.NoError(t, err)
	want := `{
  "b": [
    1,
    "x<y",
    {}
  ],
  "a": null,
  "c": {
    "d": true,
    "e": []
  },
  "f": 1.5
}`
	// Not JSONEq: the order is the point.
	assert.Equal(t, want, toJSON(root.value))
}

func TestBetween(t *testing.T) {
	t.Parallel()
	assert.Empty(t, between("", "", "x"))
	assert.Equal(t, "1 or more x", between("1", "", "x"))
	assert.Equal(t, "up to 50 x", between("0", "50", "x"))
	assert.Equal(t, "1 to 50", between("1", "50", ""))
}
