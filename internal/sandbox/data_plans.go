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
	// level is the customer's other account, by which this one is kept at its
	// balance: its name, and the words of a transfer in and of one out.
	level [3]string
}

// order is an entry that comes again: to or from whom, how much, and what for.
type order struct {
	day       int // of the month; from 1 to 26, so that a weekend moves none into the next
	quarterly bool
	percent   int // of 100 working days, for chances
	who, text string
	from, to  money // between which the amount lies; negative for debits
	code      string
	category  string // of a merchant (ISO 18245)
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
	case "r1", "r9", "r51", "r52", "r53":
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

func planFrench() plan {
	return plan{
		country: "FR", card: "CARTE", busy: 65, level: [3]string{"LIVRET", "VIREMENT DEPUIS MON LIVRET", "VIREMENT VERS MON LIVRET"},
		monthly: []order{
			{day: 26, who: "ATELIERS LUMEN SAS", text: "SALAIRE", from: 218000, to: 226000, code: codeSalary},
			{day: 3, who: "SCI LES TILLEULS", text: "LOYER", from: -78500, to: -78500, code: codeStanding},
			{day: 6, who: "GAZ ET LUMIERE", text: "ECHEANCE ELECTRICITE ET GAZ", from: -9100, to: -6400, code: codeDebited},
			{day: 8, who: "MOBILE AZUR", text: "FORFAIT MOBILE", from: -1999, to: -1999, code: codeDebited},
			{day: 12, who: "MUTUELLE DU VALLON", text: "COTISATION SANTE", from: -4650, to: -4650, code: codeDebited},
			{day: 15, who: "ASSURANCES DE LA RADE", text: "ASSURANCE HABITATION", from: -2280, to: -2280, code: codeDebited, quarterly: true},
		},
		chances: []order{
			{percent: 3, who: "PAUL SANDBOXK", text: "REMBOURSEMENT RESTAURANT", from: 1200, to: 4800, code: codeReceived},
			{percent: 2, who: "CLUB NAUTIQUE", text: "COTISATION", from: -4500, to: -1500, code: codeSent},
		},
		shops: []order{
			{who: "SUPERMARCHE BELLEVUE", from: -9600, to: -1800, category: "5411"},
			{who: "BOULANGERIE DU COIN", from: -1150, to: -120, category: "5462"},
			{who: "PHARMACIE DU PORT", from: -3400, to: -450, category: "5912"},
			{who: "BISTROT LE PHARE", from: -5200, to: -1350, category: "5812"},
			{who: "TRAINS DU SUD", from: -8900, to: -900, category: "4112"},
			{who: "LIBRAIRIE LA PLUME", from: -3900, to: -790, category: "5942"},
		},
	}
}

func planHousehold() plan {
	return plan{
		country: "FR", card: "CARTE", busy: 40, level: [3]string{"LIVRET COMMUN", "VIREMENT DEPUIS NOTRE LIVRET", "VIREMENT VERS NOTRE LIVRET"},
		monthly: []order{
			{day: 2, who: "LEA SANDBOXA", text: "VERSEMENT MENSUEL", from: 65000, to: 65000, code: codeReceived},
			{day: 2, who: "HUGO SANDBOXL", text: "VERSEMENT MENSUEL", from: 65000, to: 65000, code: codeReceived},
			{day: 5, who: "CRECHE LES LUCIOLES", text: "ACCUEIL", from: -41200, to: -38800, code: codeDebited},
			{day: 9, who: "EAUX DE LA VALLEE", text: "FACTURE EAU", from: -6900, to: -5100, code: codeDebited, quarterly: true},
			{day: 17, who: "FIBRE AZUR", text: "ABONNEMENT INTERNET", from: -3499, to: -3499, code: codeDebited},
		},
		shops: []order{
			{who: "SUPERMARCHE BELLEVUE", from: -18400, to: -4200, category: "5411"},
			{who: "MARCHE DES HALLES", from: -4600, to: -900, category: "5499"},
			{who: "JARDINERIE DU PONT", from: -7400, to: -1100, category: "5261"},
		},
	}
}

func planCompany() plan {
	return plan{
		country: "FR", card: "CARTE", busy: 12, level: [3]string{"SARL SANDBOX TRESORERIE", "NIVELLEMENT DEPUIS TRESORERIE", "NIVELLEMENT VERS TRESORERIE"},
		monthly: []order{
			{day: 5, who: "IMMOBILIERE DES QUAIS", text: "LOYER BUREAUX", from: -240000, to: -240000, code: codeStanding},
			{day: 10, who: "CAISSE DES COTISATIONS", text: "COTISATIONS SOCIALES", from: -612000, to: -548000, code: codeDebited},
			{day: 20, who: "RECETTE DES IMPOTS", text: "TVA", from: -488000, to: -312000, code: codeDebited},
			{day: 26, who: "SARL SANDBOX", text: "ALIMENTATION COMPTE DE PAIE", from: -986000, to: -986000, code: codeSent},
		},
		chances: []order{
			{percent: 22, who: "VERGER INDUSTRIES SA", text: "FACTURE", from: 180000, to: 920000, code: codeReceived},
			{percent: 14, who: "STUDIO NORDWIND GMBH", text: "FACTURE", from: 95000, to: 410000, code: codeReceived},
			{percent: 12, who: "PAPETERIE CENTRALE", text: "VOTRE FACTURE", from: -68000, to: -4200, code: codeSent},
			{percent: 9, who: "TRANSPORTS MERIDIEN", text: "VOTRE FACTURE", from: -154000, to: -21000, code: codeSent},
			{percent: 6, who: "CABINET CHIFFRES ET CIE", text: "HONORAIRES", from: -96000, to: -48000, code: codeSent},
		},
		shops: []order{
			{who: "STATION DU LITTORAL", from: -9800, to: -4200, category: "5541"},
			{who: "TRAINS DU SUD", from: -21500, to: -3600, category: "4112"},
		},
	}
}

func planPayroll() plan {
	return plan{
		country: "FR", level: [3]string{"SARL SANDBOX", "ALIMENTATION COMPTE DE PAIE", "RETOUR COMPTE DE PAIE"},
		monthly: []order{
			{day: 26, who: "NADIA SANDBOXM", text: "SALAIRE", from: -248000, to: -248000, code: codeSent},
			{day: 26, who: "THEO SANDBOXN", text: "SALAIRE", from: -221500, to: -221500, code: codeSent},
			{day: 26, who: "INES SANDBOXO", text: "SALAIRE", from: -276300, to: -276300, code: codeSent},
			{day: 26, who: "MARC SANDBOXP", text: "SALAIRE", from: -240200, to: -240200, code: codeSent},
		},
	}
}

func planGerman() plan {
	return plan{
		country: "DE", card: "KARTE", busy: 62, level: [3]string{"TAGESGELDKONTO", "UMBUCHUNG VOM TAGESGELD", "UMBUCHUNG AUFS TAGESGELD"},
		monthly: []order{
			{day: 26, who: "WERKSTATT LINDENHOF GMBH", text: "LOHN GEHALT", from: 284000, to: 291000, code: codeSalary},
			{day: 1, who: "WOHNBAU AM STADTPARK", text: "MIETE", from: -96000, to: -96000, code: codeStanding},
			{day: 4, who: "STADTWERKE MUSTERSTADT", text: "ABSCHLAG STROM UND WASSER", from: -11800, to: -11800, code: codeDebited},
			{day: 7, who: "FUNKNETZ NORD", text: "MOBILFUNK RECHNUNG", from: -2999, to: -1999, code: codeDebited},
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

func planTravel(currency string) plan {
	p := plan{country: "DE", card: "KARTE", busy: 7, level: [3]string{"GIROKONTO", "AUFLADUNG REISEKONTO", "RUECKGABE REISEKONTO"}}
	if currency == "USD" {
		p.shops = []order{
			{who: "HARBOR VIEW INN", from: -24800, to: -9900, category: "7011"},
			{who: "CORNER DINER", from: -4200, to: -1250, category: "5812"},
			{who: "CITY TRANSIT", from: -3300, to: -275, category: "4111"},
		}
		return p
	}
	p.shops = []order{
		{who: "PENSIONE BELLA VISTA", from: -21000, to: -7800, category: "7011"},
		{who: "TRATTORIA AL PONTE", from: -6800, to: -1900, category: "5812"},
		{who: "FERROVIE ESEMPIO", from: -7200, to: -790, category: "4112"},
	}
	return p
}

func planCard() plan {
	return plan{
		country: "DE", card: "KARTE", busy: 50, level: [3]string{"KREDITKARTENABRECHNUNG", "AUSGLEICH VOM GIROKONTO", "GUTSCHRIFT AUFS GIROKONTO"},
		shops: []order{
			{who: "BUCHLADEN AM MARKT", from: -4900, to: -890, category: "5942"},
			{who: "FILMTHEATER ASTORIA", from: -3800, to: -950, category: "7832"},
			{who: "MODEHAUS ELBE", from: -14900, to: -1999, category: "5651"},
			{who: "BLUMEN ROSENROT", from: -4500, to: -750, category: "5992"},
			{who: "TANKSTELLE WEST", from: -8400, to: -2600, category: "5541"},
			{who: "MUSIK ABO", from: -1099, to: -1099, category: "5815"},
		},
	}
}

func planEmirates() plan {
	return plan{
		country: "AE", card: "CARD", busy: 60, level: [3]string{"SAVINGS ACCOUNT", "TRANSFER FROM SAVINGS", "TRANSFER TO SAVINGS"},
		monthly: []order{
			{day: 25, who: "PALM COAST TRADING LLC", text: "SALARY", from: 1850000, to: 1910000, code: codeSalary},
			{day: 1, who: "DUNE PROPERTIES", text: "RENT", from: -620000, to: -620000, code: codeStanding},
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
		if o.code == codeStanding || o.code == codeSent {
			list = append(list, o)
		}
	}
	return list
}
