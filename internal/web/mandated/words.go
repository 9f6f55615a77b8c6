package mandated

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed permission-clusters.json aani-purpose-codes.json words/*.json
var files embed.FS

// words are what is said in a language. Headings go by the English ones, the rest by
// codes.
type words struct {
	Headings    map[string]string `json:"headings"`
	Permissions map[string]string `json:"permissions"`
	Payment     map[string]string `json:"payment"`
	Purposes    map[string]string `json:"purposes"`
}

// spoken has the words by language. They are part of the program, so a fault in them
// is a fault of the build, as with a regular expression.
var spoken = map[string]words{
	"en": english(),
	"fr": read[words]("words/fr.json"),
	"de": read[words]("words/de.json"),
	"es": read[words]("words/es.json"),
	"it": read[words]("words/it.json"),
	"ar": read[words]("words/ar.json"),
}

// of is what is said in a language: a BCP 47 tag, of whatever region. English for
// those that we do not have.
func of(language string) words {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	if said, ok := spoken[base]; ok {
		return said
	}
	return spoken["en"]
}

// table is the published wording of the permissions.
type table struct {
	Clusters []struct {
		Cluster     string `json:"cluster"`
		Permissions []struct {
			Code string `json:"code"`
			Text string `json:"text"`
		} `json:"permissions"`
	} `json:"clusters"`
}

// published is that table, whose order is the order of what is shown.
var published = read[table]("permission-clusters.json") //nolint:gochecknoglobals // an embedded file, read once

// english is the published wording, with ours where there is none.
func english() words {
	said := read[words]("words/en.json")
	for _, c := range published.Clusters {
		said.Headings[c.Cluster] = c.Cluster
		for _, p := range c.Permissions {
			said.Permissions[p.Code] = p.Text
		}
	}
	said.Purposes = read[struct{ Codes map[string]string }]("aani-purpose-codes.json").Codes
	return said
}

func read[T any](name string) (content T) {
	raw, err := files.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(raw, &content)
	}
	if err != nil {
		panic(fmt.Sprintf("mandated: %s: %v", name, err))
	}
	return content
}

// Purpose names the purpose of a payment (Aani purpose code) with its code: "Agency
// Commission (ACM)". A code that is not in the table stands alone; a language that
// we do not have is answered in English.
func Purpose(code, language string) string {
	text, known := of(language).Purposes[code]
	if !known {
		return code
	}
	return text + " (" + code + ")"
}
