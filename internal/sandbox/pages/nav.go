package pages

// navLink is an entry of the bar on top of every page.
type navLink struct {
	Path, Name string
	Current    string // aria-current: page, true for a page below it, or empty
}

// nav is the bar as a page shows it, by the page's name.
func nav(page string) []navLink {
	at := map[string]string{
		"start": "/", "clock": "/sandbox/clock", "people": "/sandbox/psus", "person": "/sandbox/psus", "phone": "/sandbox/psus",
		"requests": "/sandbox/requests", "request": "/sandbox/requests", "faults": "/sandbox/faults",
	}[page]
	links := []navLink{
		{Path: "/", Name: "Start"},
		{Path: "/tpp", Name: "Demo TPP"},
		{Path: "/sandbox/requests", Name: "Requests"},
		{Path: "/sandbox/clock", Name: "Clock"},
		{Path: "/sandbox/faults", Name: "Faults"},
		{Path: "/sandbox/psus", Name: "People"},
		{Path: "/docs", Name: "Docs"},
	}
	for i := range links {
		switch {
		case links[i].Path != at:
		case page == "person" || page == "phone" || page == "request":
			links[i].Current = "true"
		default:
			links[i].Current = "page"
		}
	}
	return links
}
