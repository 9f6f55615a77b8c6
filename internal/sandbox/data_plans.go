package sandbox

// plan is what happens on an account, in the words of its country.
type plan struct {
	country string
	// monthly come each month, or in the months of a quarter's end.
	monthly []order
	// chances come on working days, each by its own chance.
	chances []order
	// shops are where a card is used, every day of the week.
	shops []order
	// card is the word for a payment by card.
	card string
	// busy is on how many of 100 days the card is used, once or twice.
	busy int
	// fits is what is made to fit in a period, months how many months it has (1 when
	// 0), and swing by how much the levels at the ends of periods differ.
	fits   fits
	months int
	swing  money
}

// fits is what of a plan is made to fit, so that an account comes out even.
type fits int

// What is made to fit.
const (
	fitNone      fits = iota // nothing: the card, which is settled each month
	fitPayments              // people spend by card what is left
	fitReceipts              // a company lives on its customers' invoices
	fitTransfers             // an account gets what it needs from another one
)

// lead is which side makes up a transfer between two accounts of a customer, and
// how.
type lead int

// The sides of a transfer.
const (
	leadOwn     lead = iota // this one, as any other order
	leadOther               // the other one
	leadFitting             // this one; the amount is made to fit
	leadSettles             // this one; the amount is what the card was used for in the month before
)

// order is an entry that comes again: to or from whom, how much, and what for.
type order struct {
	day       int // of the month; from 1 to 26, so that a weekend moves none into the next
	quarterly bool
	percent   int // of 100 working days, for chances
	who, text string
	from, to  money // between which the amount lies; negative for debits
	code      string
	category  string // of a merchant (ISO 18245)
	own       string // the customer's other account, for transfers between two; empty for others
	lead      lead
}

// The codes of entries (ISO 20022, domain, family and sub-family).
const (
	codeSalary   = "PMNT-RCDT-SALA"
	codeReceived = "PMNT-RCDT-ESCT"
	codeSent     = "PMNT-ICDT-ESCT"
	codeStanding = "PMNT-ICDT-STDO"
	codeDebited  = "PMNT-RDDT-ESDD"
	codeCard     = "PMNT-CCRD-POSD"
)

// planOf is what happens on an account; of one that was opened later, nothing.
func planOf(resource string) (plan, bool) {
	switch resource {
	case "r1":
		return planLea(), true
	case "r9", "r51", "r52", "r53":
		return planFrench(), true
	case "r2":
		return planHousehold(), true
	case "r21":
		return planCompany(), true
	case "r22":
		return planPayroll(), true
	case "r31":
		return planGerman(), true
	case "r32":
		return planTravel("EUR"), true
	case "r33":
		return planTravel("USD"), true
	case "r34":
		return planCard(), true
	case "r41":
		return planEmirates(), true
	default:
		return plan{}, false
	}
}

func planGerman() plan {
	return plan{
		country: "DE", card: "KARTE", busy: 62, fits: fitPayments, swing: 40000,
		monthly: []order{
			{day: 25, who: "WERKSTATT LINDENHOF GMBH", text: "LOHN GEHALT", from: 249000, to: 256000, code: codeSalary},
			{day: 26, who: "WOHNBAU AM STADTPARK", text: "MIETE", from: -96000, to: -96000, code: codeStanding},
			{day: 4, who: "STADTWERKE MUSTERSTADT", text: "ABSCHLAG STROM UND WASSER", from: -11800, to: -11800, code: codeDebited},
			{day: 7, who: "FUNKNETZ NORD", text: "MOBILFUNK RECHNUNG", from: -2999, to: -1999, code: codeDebited},
			{day: 2, who: "AUTOBANK BEISPIEL", text: "RATE LEASING", from: -24900, to: -24900, code: codeDebited},
			{day: 5, who: "ANNA SANDBOXD", text: "KREDITKARTENABRECHNUNG", code: codeSent, own: "r34", lead: leadOther},
			{day: 12, who: "ANNA SANDBOXD", text: "AUFLADUNG REISEKONTO", code: codeStanding, own: "r32", lead: leadOther},
			{day: 16, who: "TURNVEREIN MUSTERSTADT", text: "BEITRAG", from: -1850, to: -1850, code: codeDebited},
			{day: 15, who: "BEITRAGSSTELLE RUNDFUNK", text: "BEITRAG QUARTAL", from: -5508, to: -5508, code: codeDebited, quarterly: true},
		},
		chances: []order{
			{percent: 3, who: "JONAS BEISPIEL", text: "DANKE FUERS AUSLEGEN", from: 900, to: 5200, code: codeReceived},
			{percent: 4, who: "VERSAND BLITZ", text: "BESTELLUNG", from: -8900, to: -1290, code: codeDebited},
		},
		shops: []order{
			{who: "MARKTHALLE SUED", from: -8700, to: -1400, category: "5411"},
			{who: "BAECKEREI KORNBLUME", from: -1240, to: -190, category: "5462"},
			{who: "DROGERIE SONNE", from: -4100, to: -520, category: "5912"},
			{who: "GASTHAUS ZUR LINDE", from: -6400, to: -1600, category: "5812"},
			{who: "VERKEHRSBUND", from: -3600, to: -320, category: "4111"},
		},
	}
}

// planTravel is an account for journeys, in one of its two currencies: the euros
// come from the current account, the dollars from a publisher.
func planTravel(currency string) plan {
	p := plan{country: "DE", card: "KARTE", busy: 5, fits: fitPayments, months: 6, swing: 12000}
	if currency == "USD" {
		p.monthly = []order{{day: 18, who: "NORDWIND VERLAG GMBH", text: "HONORAR", from: 14000, to: 21000, code: codeReceived}}
		p.shops = []order{
			{who: "HARBOR VIEW INN", from: -24800, to: -9900, category: "7011"},
			{who: "CORNER DINER", from: -4200, to: -1250, category: "5812"},
			{who: "CITY TRANSIT", from: -3300, to: -275, category: "4111"},
		}
		return p
	}
	p.monthly = []order{{day: 12, who: "ANNA SANDBOXD", text: "AUFLADUNG REISEKONTO", from: 15000, to: 15000, code: codeReceived, own: "r31"}}
	p.shops = []order{
		{who: "PENSIONE BELLA VISTA", from: -21000, to: -7800, category: "7011"},
		{who: "TRATTORIA AL PONTE", from: -6800, to: -1900, category: "5812"},
		{who: "FERROVIE ESEMPIO", from: -7200, to: -790, category: "4112"},
	}
	return p
}

func planCard() plan {
	return plan{
		country: "DE", card: "KARTE", busy: 14,
		monthly: []order{{day: 5, who: "ANNA SANDBOXD", text: "AUSGLEICH VOM GIROKONTO", code: codeReceived, own: "r31", lead: leadSettles}},
		shops: []order{
			{who: "BUCHLADEN AM MARKT", from: -1890, to: -490, category: "5942"},
			{who: "FILMTHEATER ASTORIA", from: -1500, to: -750, category: "7832"},
			{who: "EISCAFE VENEZIA", from: -980, to: -260, category: "5814"},
			{who: "BLUMEN ROSENROT", from: -1700, to: -550, category: "5992"},
			{who: "MUSIK ABO", from: -1099, to: -1099, category: "5815"},
		},
	}
}

func planEmirates() plan {
	return plan{
		country: "AE", card: "CARD", busy: 75, fits: fitPayments, swing: 250000,
		monthly: []order{
			{day: 25, who: "PALM COAST TRADING LLC", text: "SALARY", from: 1850000, to: 1910000, code: codeSalary},
			{day: 26, who: "DUNE PROPERTIES", text: "RENT", from: -620000, to: -620000, code: codeStanding},
			{day: 3, who: "PEARL SCHOOL", text: "SCHOOL FEES", from: -420000, to: -420000, code: codeStanding},
			{day: 16, who: "COAST CAR FINANCE", text: "INSTALMENT", from: -185000, to: -185000, code: codeDebited},
			{day: 7, who: "EMIRATE UTILITIES", text: "ELECTRICITY AND WATER", from: -98000, to: -41000, code: codeDebited},
			{day: 11, who: "GULF MOBILE", text: "POSTPAID PLAN", from: -29900, to: -29900, code: codeDebited},
		},
		chances: []order{
			{percent: 3, who: "SAMIR EXAMPLE", text: "SHARE OF DINNER", from: 5000, to: 22000, code: codeReceived},
			{percent: 3, who: "FAMILY TRANSFER", text: "FAMILY SUPPORT", from: -200000, to: -50000, code: codeSent},
		},
		shops: []order{
			{who: "CREEK HYPERMARKET", from: -42000, to: -6500, category: "5411"},
			{who: "DATE PALM CAFE", from: -9500, to: -1800, category: "5814"},
			{who: "OASIS FUEL", from: -16500, to: -8000, category: "5541"},
			{who: "DESERT ROSE PHARMACY", from: -21000, to: -2500, category: "5912"},
		},
	}
}

// beneficiariesOf is whom the owner of an account trusts.
func beneficiariesOf(resource string) []order {
	p, ok := planOf(resource)
	if !ok {
		return nil
	}
	var list []order
	for _, o := range p.monthly {
		if o.own == "" && (o.code == codeStanding || o.code == codeSent) {
			list = append(list, o)
		}
	}
	return list
}
