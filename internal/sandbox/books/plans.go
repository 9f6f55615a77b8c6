package books

// plan is what happens on an account, in the words of its country.
type plan struct {
	country string
	// monthly come each month, or in the months of a quarter's end.
	monthly []Order
	// chances come on working days, each by its own chance.
	chances []Order
	// shops are where a card is used, every day of the week.
	shops []Order
	// card is the word for a payment by card.
	card string
	// busy is on how many of 100 days the card is used, once or twice.
	busy int
	// fits is what is made to fit in a period, months how many months it has (1 when
	// 0), and swing by how much the levels at the ends of periods differ.
	fits   fits
	months int
	swing  Money
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

// Order is an entry that comes again: to or from whom, how much, and what for.
type Order struct {
	Who      string
	Code     string // one of those below
	Category string // of a merchant (ISO 18245); empty for others
	Own      string // the resourceId of the customer's other account, for transfers between two; empty for others

	day       int // of the month; from 1 to 26, so that a weekend moves none into the next
	quarterly bool
	percent   int // of 100 working days, for chances
	text      string
	from, to  Money // between which the amount lies; negative for debits
	lead      lead
}

// The codes of entries (ISO 20022, domain, family and sub-family).
const (
	CodeSalary   = "PMNT-RCDT-SALA"
	codeReceived = "PMNT-RCDT-ESCT"
	codeSent     = "PMNT-ICDT-ESCT"
	codeStanding = "PMNT-ICDT-STDO"
	CodeDebited  = "PMNT-RDDT-ESDD" // a direct debit
	CodeCard     = "PMNT-CCRD-POSD" // a payment by card
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
		monthly: []Order{
			{day: 25, Who: "WERKSTATT LINDENHOF GMBH", text: "LOHN GEHALT", from: 249000, to: 256000, Code: CodeSalary},
			{day: 26, Who: "WOHNBAU AM STADTPARK", text: "MIETE", from: -96000, to: -96000, Code: codeStanding},
			{day: 4, Who: "STADTWERKE MUSTERSTADT", text: "ABSCHLAG STROM UND WASSER", from: -11800, to: -11800, Code: CodeDebited},
			{day: 7, Who: "FUNKNETZ NORD", text: "MOBILFUNK RECHNUNG", from: -2999, to: -1999, Code: CodeDebited},
			{day: 2, Who: "AUTOBANK BEISPIEL", text: "RATE LEASING", from: -24900, to: -24900, Code: CodeDebited},
			{day: 5, Who: "ANNA SANDBOXD", text: "KREDITKARTENABRECHNUNG", Code: codeSent, Own: "r34", lead: leadOther},
			{day: 12, Who: "ANNA SANDBOXD", text: "AUFLADUNG REISEKONTO", Code: codeStanding, Own: "r32", lead: leadOther},
			{day: 16, Who: "TURNVEREIN MUSTERSTADT", text: "BEITRAG", from: -1850, to: -1850, Code: CodeDebited},
			{day: 15, Who: "BEITRAGSSTELLE RUNDFUNK", text: "BEITRAG QUARTAL", from: -5508, to: -5508, Code: CodeDebited, quarterly: true},
		},
		chances: []Order{
			{percent: 3, Who: "JONAS BEISPIEL", text: "DANKE FUERS AUSLEGEN", from: 900, to: 5200, Code: codeReceived},
			{percent: 4, Who: "VERSAND BLITZ", text: "BESTELLUNG", from: -8900, to: -1290, Code: CodeDebited},
		},
		shops: []Order{
			{Who: "MARKTHALLE SUED", from: -8700, to: -1400, Category: "5411"},
			{Who: "BAECKEREI KORNBLUME", from: -1240, to: -190, Category: "5462"},
			{Who: "DROGERIE SONNE", from: -4100, to: -520, Category: "5912"},
			{Who: "GASTHAUS ZUR LINDE", from: -6400, to: -1600, Category: "5812"},
			{Who: "VERKEHRSBUND", from: -3600, to: -320, Category: "4111"},
		},
	}
}

// planTravel is an account for journeys, in one of its two currencies: the euros
// come from the current account, the dollars from a publisher.
func planTravel(currency string) plan {
	p := plan{country: "DE", card: "KARTE", busy: 5, fits: fitPayments, months: 6, swing: 12000}
	if currency == "USD" {
		p.monthly = []Order{{day: 18, Who: "NORDWIND VERLAG GMBH", text: "HONORAR", from: 14000, to: 21000, Code: codeReceived}}
		p.shops = []Order{
			{Who: "HARBOR VIEW INN", from: -24800, to: -9900, Category: "7011"},
			{Who: "CORNER DINER", from: -4200, to: -1250, Category: "5812"},
			{Who: "CITY TRANSIT", from: -3300, to: -275, Category: "4111"},
		}
		return p
	}
	p.monthly = []Order{{day: 12, Who: "ANNA SANDBOXD", text: "AUFLADUNG REISEKONTO", from: 15000, to: 15000, Code: codeReceived, Own: "r31"}}
	p.shops = []Order{
		{Who: "PENSIONE BELLA VISTA", from: -21000, to: -7800, Category: "7011"},
		{Who: "TRATTORIA AL PONTE", from: -6800, to: -1900, Category: "5812"},
		{Who: "FERROVIE ESEMPIO", from: -7200, to: -790, Category: "4112"},
	}
	return p
}

func planCard() plan {
	return plan{
		country: "DE", card: "KARTE", busy: 14,
		monthly: []Order{{day: 5, Who: "ANNA SANDBOXD", text: "AUSGLEICH VOM GIROKONTO", Code: codeReceived, Own: "r31", lead: leadSettles}},
		shops: []Order{
			{Who: "BUCHLADEN AM MARKT", from: -1890, to: -490, Category: "5942"},
			{Who: "FILMTHEATER ASTORIA", from: -1500, to: -750, Category: "7832"},
			{Who: "EISCAFE VENEZIA", from: -980, to: -260, Category: "5814"},
			{Who: "BLUMEN ROSENROT", from: -1700, to: -550, Category: "5992"},
			{Who: "MUSIK ABO", from: -1099, to: -1099, Category: "5815"},
		},
	}
}

func planEmirates() plan {
	return plan{
		country: "AE", card: "CARD", busy: 75, fits: fitPayments, swing: 250000,
		monthly: []Order{
			{day: 25, Who: "PALM COAST TRADING LLC", text: "SALARY", from: 1850000, to: 1910000, Code: CodeSalary},
			{day: 26, Who: "DUNE PROPERTIES", text: "RENT", from: -620000, to: -620000, Code: codeStanding},
			{day: 3, Who: "PEARL SCHOOL", text: "SCHOOL FEES", from: -420000, to: -420000, Code: codeStanding},
			{day: 16, Who: "COAST CAR FINANCE", text: "INSTALMENT", from: -185000, to: -185000, Code: CodeDebited},
			{day: 7, Who: "EMIRATE UTILITIES", text: "ELECTRICITY AND WATER", from: -98000, to: -41000, Code: CodeDebited},
			{day: 11, Who: "GULF MOBILE", text: "POSTPAID PLAN", from: -29900, to: -29900, Code: CodeDebited},
		},
		chances: []Order{
			{percent: 3, Who: "SAMIR EXAMPLE", text: "SHARE OF DINNER", from: 5000, to: 22000, Code: codeReceived},
			{percent: 3, Who: "FAMILY TRANSFER", text: "FAMILY SUPPORT", from: -200000, to: -50000, Code: codeSent},
		},
		shops: []Order{
			{Who: "CREEK HYPERMARKET", from: -42000, to: -6500, Category: "5411"},
			{Who: "DATE PALM CAFE", from: -9500, to: -1800, Category: "5814"},
			{Who: "OASIS FUEL", from: -16500, to: -8000, Category: "5541"},
			{Who: "DESERT ROSE PHARMACY", from: -21000, to: -2500, Category: "5912"},
		},
	}
}

// Beneficiaries are whom the owner of an account trusts, by its resourceId.
func Beneficiaries(account string) []Order {
	p, ok := planOf(account)
	if !ok {
		return nil
	}
	var list []Order
	for _, o := range p.monthly {
		if o.Own == "" && (o.Code == codeStanding || o.Code == codeSent) {
			list = append(list, o)
		}
	}
	return list
}
