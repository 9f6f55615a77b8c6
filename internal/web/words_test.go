package web

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"consentd/internal/consent"
)

// catalogue reads the messages of a language: by id, the text of each form.
func catalogue(t *testing.T, name string) map[string]map[string]string {
	t.Helper()
	content, err := locales.ReadFile("locales/" + name + ".json")
	require.NoError(t, err)
	var tree map[string]any
	require.NoError(t, json.Unmarshal(content, &tree))
	messages := map[string]map[string]string{}
	flatten(t, "", tree, messages)
	return messages
}

func flatten(t *testing.T, id string, node any, messages map[string]map[string]string) {
	t.Helper()
	switch node := node.(type) {
	case string:
		messages[id] = map[string]string{"other": node}
	case map[string]any:
		if _, plural := node["other"]; plural {
			messages[id] = map[string]string{}
			for form, text := range node {
				messages[id][form] = text.(string)
			}
			return
		}
		for name, child := range node {
			flatten(t, strings.TrimPrefix(id+"."+name, "."), child, messages)
		}
	default:
		require.Failf(t, "not a message", "%s: %T", id, node)
	}
}

var place = regexp.MustCompile(`\{\{\.(\w+)\}\}`)

// places names what a text leaves open.
func places(text string) []string {
	var names []string
	for _, found := range place.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(names, found[1]) {
			names = append(names, found[1])
		}
	}
	slices.Sort(names)
	return names
}

func TestCataloguesHaveNoGap(t *testing.T) {
	t.Parallel()
	reference := catalogue(t, catalogues[0])
	files, err := fs.Glob(locales, "locales/*")
	require.NoError(t, err)
	require.Len(t, files, len(catalogues))
	for _, name := range catalogues {
		messages := catalogue(t, name)
		require.ElementsMatch(t, keys(reference), keys(messages), name)
		for id, forms := range messages {
			require.ElementsMatch(t, formsOf(reference[id], name), keys(forms), "plural forms of %s in %s", id, name)
			for form, text := range forms {
				require.NotEmpty(t, strings.TrimSpace(text), "%s in %s", id, name)
				require.Equal(t, text, strings.TrimSpace(text), "%s in %s", id, name)
				want := places(reference[id]["other"])
				if slices.Contains(inWords, form) {
					want = slices.DeleteFunc(want, func(p string) bool { return p == "Count" && !strings.Contains(text, p) })
				}
				require.ElementsMatch(t, want, places(text), "%s in %s", id, name)
			}
		}
	}
}

// TestOneHand: what the flows' texts hold to as well. Apostrophes are curved, the
// Italian polite form is written small, and Arabic has one way to say please and
// one to say bank.
func TestOneHand(t *testing.T) {
	t.Parallel()
	never := map[string]*regexp.Regexp{
		"fr": regexp.MustCompile(`'`),
		"it": regexp.MustCompile(`'|\bSu(o|a|oi)\b|[^.] L(ei|e (chied|rest))|\wLa\b`),
		"ar": regexp.MustCompile(`مصرفك|يرجى`),
	}
	for name, pattern := range never {
		for id, forms := range catalogue(t, name) {
			for _, text := range forms {
				require.NotRegexp(t, pattern, text, "%s in %s", id, name)
			}
		}
	}
}

// pluralForms are those of each language by CLDR 48, for whole numbers.
var pluralForms = map[string][]string{
	"en": {"one", "other"},
	"fr": {"one", "many", "other"},
	"de": {"one", "other"},
	"es": {"one", "many", "other"},
	"it": {"one", "many", "other"},
	"ar": {"zero", "one", "two", "few", "many", "other"},
}

// inWords are the forms that may say their number in words, or not at all.
var inWords = []string{"zero", "one", "two"}

// formsOf are those that a message must have in a language.
func formsOf(reference map[string]string, language string) []string {
	if len(reference) == 1 {
		return []string{"other"}
	}
	return pluralForms[language]
}

func keys[V any](m map[string]V) []string {
	var all []string
	for key := range m {
		all = append(all, key)
	}
	return all
}

// TestEveryMessageIsUsed holds the catalogues against what templates and code
// name: nothing unknown, nothing left over.
func TestEveryMessageIsUsed(t *testing.T) {
	t.Parallel()
	named, said := namedInCode(t), []string{}
	for _, tree := range parsed(t) {
		walk(tree.Root, func(n parse.Node) {
			if text, ok := n.(*parse.StringNode); ok {
				named = append(named, text.Text)
			}
			if call, ok := n.(*parse.CommandNode); ok && len(call.Args) > 1 && says(call.Args[0]) {
				id, ok := call.Args[1].(*parse.StringNode)
				require.True(t, ok, "Say wants the message in plain sight: %s", call)
				said = append(said, id.Text)
			}
		})
	}
	messages := catalogue(t, catalogues[0])
	for _, id := range said {
		require.Contains(t, messages, id, "a template says what is in no catalogue")
	}
	group := regexp.MustCompile(`^(` + strings.Join(groups(messages), "|") + `)(\.\w+)+$`)
	for _, id := range named {
		if group.MatchString(id) && !strings.HasSuffix(id, ".js") && !strings.HasSuffix(id, ".css") {
			require.Contains(t, messages, id, "the code names what is in no catalogue")
		}
	}
	for id := range messages {
		require.Contains(t, named, id, "nobody says %s", id)
	}
}

// groups are the first words of the ids.
func groups(messages map[string]map[string]string) []string {
	var all []string
	for id := range messages {
		group, _, _ := strings.Cut(id, ".")
		if !slices.Contains(all, group) {
			all = append(all, group)
		}
	}
	return all
}

func says(n parse.Node) bool {
	switch n := n.(type) {
	case *parse.FieldNode:
		return slices.Equal(n.Ident, []string{"Say"})
	case *parse.VariableNode:
		return slices.Equal(n.Ident, []string{"$", "Say"})
	default:
		return false
	}
}

// namedInCode are the strings in the package's code.
func namedInCode(t *testing.T) []string {
	t.Helper()
	var all []string
	files, err := fs.Glob(os.DirFS("."), "*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		file, err := parser.ParseFile(token.NewFileSet(), name, content, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, err := strconv.Unquote(lit.Value)
				require.NoError(t, err)
				all = append(all, text)
			}
			return true
		})
	}
	return all
}

// parsed are the trees of all templates.
func parsed(t *testing.T) map[string]*parse.Tree {
	t.Helper()
	trees := map[string]*parse.Tree{}
	for _, set := range newPages().templates {
		for _, tpl := range set.Templates() {
			if tpl.Tree == nil {
				continue
			}
			name := tpl.Tree.ParseName + ": " + tpl.Name() // every page has a "content"
			trees[name] = tpl.Tree
		}
	}
	return trees
}

// walk visits a node and what lies below it.
func walk(n parse.Node, visit func(parse.Node)) {
	visit(n)
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			walk(child, visit)
		}
	case *parse.ActionNode:
		walk(n.Pipe, visit)
	case *parse.PipeNode:
		if n == nil {
			return
		}
		for _, cmd := range n.Cmds {
			walk(cmd, visit)
		}
	case *parse.CommandNode:
		for _, arg := range n.Args {
			walk(arg, visit)
		}
	case *parse.IfNode:
		walkBranch(&n.BranchNode, visit)
	case *parse.RangeNode:
		walkBranch(&n.BranchNode, visit)
	case *parse.WithNode:
		walkBranch(&n.BranchNode, visit)
	case *parse.TemplateNode:
		walk(n.Pipe, visit)
	}
}

func walkBranch(n *parse.BranchNode, visit func(parse.Node)) {
	walk(n.Pipe, visit)
	walk(n.List, visit)
	walk(n.ElseList, visit)
}

// TestTemplatesHoldNoWords: what people read comes from the catalogues. Markup
// stays; the rest must have no letter.
func TestTemplatesHoldNoWords(t *testing.T) {
	t.Parallel()
	spoken := []string{"alt", "aria-label", "placeholder", "title", "content"}
	machine := []string{"width=device-width, initial-scale=1", "light dark", "telephone=no"}
	for name, tree := range parsed(t) {
		var b strings.Builder
		walk(tree.Root, func(n parse.Node) {
			if text, ok := n.(*parse.TextNode); ok {
				b.Write(text.Text)
			}
		})
		tokens := html.NewTokenizer(strings.NewReader(b.String()))
		for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
			tok := tokens.Token()
			if kind == html.TextToken {
				require.False(t, strings.ContainsFunc(tok.Data, unicode.IsLetter), "%s: %q", name, tok.Data)
			}
			for _, a := range tok.Attr {
				if slices.Contains(spoken, a.Key) && !slices.Contains(machine, a.Val) {
					require.False(t, strings.ContainsFunc(a.Val, unicode.IsLetter), "%s: %s=%q", name, a.Key, a.Val)
				}
			}
		}
	}
}

func TestUnknownMessage(t *testing.T) {
	t.Parallel()
	s, err := newSpeeches()
	require.NoError(t, err)
	for _, sp := range s.all {
		_, err := sp.Say("no.such.message")
		require.ErrorContains(t, err, "no.such.message")
	}
}

// TestMonths: a table that is one short would name the wrong month, or none.
func TestMonths(t *testing.T) {
	t.Parallel()
	s, err := newSpeeches()
	require.NoError(t, err)
	for _, sp := range s.all {
		seen := map[string]bool{}
		for m := time.January; m <= time.December; m++ {
			words, err := sp.Date(consent.Date{Year: 2026, Month: m, Day: 2})
			require.NoError(t, err)
			seen[words] = true
		}
		require.Len(t, seen, 12, sp.Tag)
	}
}

func TestGroupsOfFour(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ref  consent.Reference
		want string
	}{
		{consent.Reference{IBAN: "FR7617515000920400430518020"}, "FR76 1751 5000 9204 0043 0518 020"},
		{consent.Reference{IBAN: "DE40 1001 0010 3307 1186 08"}, "DE40 1001 0010 3307 1186 08"},
		{consent.Reference{MaskedPAN: "525412******3241"}, "5254 12** **** 3241"},
		{consent.Reference{PAN: "5254120000003241"}, "5254 1200 0000 3241"},
		{consent.Reference{BBAN: "BARC12345612345678"}, "BARC12345612345678"},
		{consent.Reference{MSISDN: "+49 170 1234567"}, "+49 170 1234567"},
		{consent.Reference{Other: consent.Other{Identification: "X-1"}}, "X-1"},
		{consent.Reference{}, ""},
	} {
		require.Equal(t, c.want, number(c.ref))
	}
}

// TestEveryScopeAndRightHasWords: nothing that is asked for goes untold.
func TestEveryScopeAndRightHasWords(t *testing.T) {
	t.Parallel()
	var told consent.Rights
	for _, w := range wordings {
		require.Zero(t, told&w.right, "told twice")
		told |= w.right
	}
	require.Equal(t, consent.RightLongHistory<<1-1, told, "a right without words")
	for _, scope := range []consent.Scope{consent.ScopeDedicated, consent.ScopeBankOffered, consent.ScopeAllPSD2, consent.ScopeAvailable, consent.ScopeAvailableBalances} {
		_, worded := openScopes[scope]
		require.Equal(t, consent.Access{Scope: scope}.Open(), worded, scope)
		_, least := atLeast[scope]
		require.Equal(t, worded, least, scope)
	}
}
