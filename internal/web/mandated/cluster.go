package mandated

import (
	"slices"
	"strings"
)

// Cluster is a group of permissions under a heading that the PSU reads.
type Cluster struct {
	Heading string
	Items   []Item
}

// Item is a permission in plain words.
type Item struct {
	Code string // ReadAccountsBasic
	Text string
}

// The headings that we place permissions under ourselves.
const (
	headingTransactions = "Your Account Transactions"
	headingOther        = "Other data"
)

// placed are the permissions without published wording that we have words for, in
// the order in which they follow those of the table.
var placed = []struct{ code, heading string }{
	{"ReadFXTransactionsBasic", headingTransactions},
	{"ReadFXTransactionsDetail", headingTransactions},
	{"ReadRefundAccount", headingOther},
}

// hidden are permissions that tell the PSU nothing: a TPP reads its own consents.
var hidden = map[string]bool{"ReadConsents": true}

// Clusters are the permissions of a consent in plain words, in the order of the
// published table; a language that we do not have is answered in English. A Detail
// permission contains its Basic, so only the first is shown where there are both. No
// permission is dropped for want of words: what nobody worded comes last, under
// "Other data", as the words of its code.
func Clusters(codes []string, language string) []Cluster {
	wanted := shown(codes)
	said := of(language)
	var clusters []Cluster
	for _, heading := range headings() {
		c := Cluster{Heading: said.Headings[heading]}
		for _, code := range members(heading) {
			if wanted[code] {
				c.Items = append(c.Items, Item{Code: code, Text: said.Permissions[code]})
				delete(wanted, code)
			}
		}
		if heading == headingOther {
			c.Items = append(c.Items, unworded(codes, wanted)...)
		}
		if len(c.Items) > 0 {
			clusters = append(clusters, c)
		}
	}
	return clusters
}

// unworded are the permissions that are left over, each once and in the order in
// which the consent names them.
func unworded(codes []string, left map[string]bool) []Item {
	var items []Item
	for _, code := range codes {
		if left[code] {
			items = append(items, Item{Code: code, Text: Split(code)})
			delete(left, code)
		}
	}
	return items
}

// shown are the permissions that the PSU is to see.
func shown(codes []string) map[string]bool {
	wanted := map[string]bool{}
	for _, code := range codes {
		base, basic := strings.CutSuffix(code, "Basic")
		if code == "" || hidden[code] || basic && slices.Contains(codes, base+"Detail") {
			continue
		}
		wanted[code] = true
	}
	return wanted
}

// headings are those of the clusters, in their order, in English.
func headings() []string {
	var list []string
	for _, c := range published.Clusters {
		list = append(list, c.Cluster)
	}
	return append(list, headingOther)
}

// members are the permissions of a cluster in their order.
func members(heading string) []string {
	var list []string
	for _, c := range published.Clusters {
		if c.Cluster != heading {
			continue
		}
		for _, p := range c.Permissions {
			list = append(list, p.Code)
		}
	}
	for _, p := range placed {
		if p.heading == heading {
			list = append(list, p.code)
		}
	}
	return list
}

// Payment are the permissions of a payment consent in plain words: what the TPP may
// read of the account that pays. The words are ours; the order is that of Clusters.
func Payment(codes []string, language string) []Item {
	said := of(language)
	var items []Item
	for _, cluster := range Clusters(codes, language) {
		for _, item := range cluster.Items {
			if text, ok := said.Payment[item.Code]; ok {
				item.Text = text
			}
			items = append(items, item)
		}
	}
	return items
}
