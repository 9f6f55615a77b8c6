package books

// planFrench is a household of one, which gets a little help with its rent.
func planFrench() plan {
	return plan{
		country: "FR", card: "CARTE", busy: 70, fits: fitPayments, swing: 12000,
		monthly: []Order{
			{day: 22, Who: "ATELIERS LUMEN SAS", text: "SALAIRE", from: 160000, to: 166000, Code: CodeSalary},
			{day: 5, Who: "CAISSE DU LOGEMENT", text: "ALLOCATION LOGEMENT", from: 29000, to: 29000, Code: codeReceived},
			{day: 22, Who: "SCI LES TILLEULS", text: "LOYER", from: -78500, to: -78500, Code: codeStanding},
			{day: 6, Who: "GAZ ET LUMIERE", text: "ECHEANCE ELECTRICITE ET GAZ", from: -9100, to: -6400, Code: CodeDebited},
			{day: 8, Who: "MOBILE AZUR", text: "FORFAIT MOBILE", from: -1999, to: -1999, Code: CodeDebited},
			{day: 12, Who: "MUTUELLE DU VALLON", text: "COTISATION SANTE", from: -4650, to: -4650, Code: CodeDebited},
			{day: 15, Who: "ASSURANCES DE LA RADE", text: "ASSURANCE HABITATION", from: -2280, to: -2280, Code: CodeDebited, quarterly: true},
		},
		chances: []Order{
			{percent: 3, Who: "PAUL SANDBOXK", text: "REMBOURSEMENT RESTAURANT", from: 1200, to: 4800, Code: codeReceived},
			{percent: 2, Who: "CLUB NAUTIQUE", text: "COTISATION", from: -4500, to: -1500, Code: codeSent},
		},
		shops: []Order{
			{Who: "SUPERMARCHE BELLEVUE", from: -9600, to: -1800, Category: "5411"},
			{Who: "BOULANGERIE DU COIN", from: -1150, to: -220, Category: "5462"},
			{Who: "PHARMACIE DU PORT", from: -3400, to: -450, Category: "5912"},
			{Who: "BISTROT LE PHARE", from: -5200, to: -1350, Category: "5812"},
			{Who: "TRAINS DU SUD", from: -8900, to: -900, Category: "4112"},
			{Who: "LIBRAIRIE LA PLUME", from: -3900, to: -790, Category: "5942"},
		},
	}
}

// planLea is lea's own account: she earns more, and pays into the joint one.
func planLea() plan {
	p := planFrench()
	p.busy = 46
	p.monthly[0].from, p.monthly[0].to = 218000, 226000
	p.monthly[1] = Order{day: 22, Who: "LEA SANDBOXA", text: "VERSEMENT COMPTE JOINT", Code: codeSent, Own: "r2", lead: leadOther}
	return p
}

func planHousehold() plan {
	return plan{
		country: "FR", card: "CARTE", busy: 30, fits: fitPayments, swing: 25000,
		monthly: []Order{
			{day: 22, Who: "LEA SANDBOXA", text: "VERSEMENT COMPTE JOINT", from: 65000, to: 65000, Code: codeReceived, Own: "r1"},
			{day: 2, Who: "HUGO SANDBOXL", text: "VERSEMENT MENSUEL", from: 65000, to: 65000, Code: codeReceived},
			{day: 5, Who: "CRECHE LES LUCIOLES", text: "ACCUEIL", from: -41200, to: -38800, Code: CodeDebited},
			{day: 9, Who: "EAUX DE LA VALLEE", text: "FACTURE EAU", from: -6900, to: -5100, Code: CodeDebited, quarterly: true},
			{day: 17, Who: "FIBRE AZUR", text: "ABONNEMENT INTERNET", from: -3499, to: -3499, Code: CodeDebited},
		},
		shops: []Order{
			{Who: "SUPERMARCHE BELLEVUE", from: -18400, to: -4200, Category: "5411"},
			{Who: "MARCHE DES HALLES", from: -4600, to: -900, Category: "5499"},
			{Who: "JARDINERIE DU PONT", from: -7400, to: -1100, Category: "5261"},
		},
	}
}

func planCompany() plan {
	return plan{
		country: "FR", card: "CARTE", busy: 12, fits: fitReceipts, swing: 900000,
		monthly: []Order{
			{day: 5, Who: "IMMOBILIERE DES QUAIS", text: "LOYER BUREAUX", from: -240000, to: -240000, Code: codeStanding},
			{day: 10, Who: "CAISSE DES COTISATIONS", text: "COTISATIONS SOCIALES", from: -612000, to: -548000, Code: CodeDebited},
			{day: 20, Who: "RECETTE DES IMPOTS", text: "TVA", from: -488000, to: -312000, Code: CodeDebited},
			{day: 24, Who: "SARL SANDBOX", text: "ALIMENTATION COMPTE DE PAIE", Code: codeSent, Own: "r22", lead: leadOther},
		},
		chances: []Order{
			{percent: 22, Who: "VERGER INDUSTRIES SA", text: "FACTURE", from: 180000, to: 620000, Code: codeReceived},
			{percent: 14, Who: "STUDIO NORDWIND GMBH", text: "FACTURE", from: 95000, to: 410000, Code: codeReceived},
			{percent: 12, Who: "PAPETERIE CENTRALE", text: "VOTRE FACTURE", from: -68000, to: -4200, Code: codeSent},
			{percent: 9, Who: "TRANSPORTS MERIDIEN", text: "VOTRE FACTURE", from: -154000, to: -21000, Code: codeSent},
			{percent: 6, Who: "CABINET CHIFFRES ET CIE", text: "HONORAIRES", from: -96000, to: -48000, Code: codeSent},
		},
		shops: []Order{
			{Who: "STATION DU LITTORAL", from: -9800, to: -4200, Category: "5541"},
			{Who: "TRAINS DU SUD", from: -21500, to: -3600, Category: "4112"},
		},
	}
}

// planPayroll pays wages, which differ by the hours, from what the company's other
// account puts in two days before.
func planPayroll() plan {
	return plan{
		country: "FR", fits: fitTransfers, swing: 180000,
		monthly: []Order{
			{day: 24, Who: "SARL SANDBOX", text: "ALIMENTATION COMPTE DE PAIE", from: 986000, to: 986000, Code: codeReceived, Own: "r21", lead: leadFitting},
			{day: 26, Who: "NADIA SANDBOXM", text: "SALAIRE", from: -256000, to: -241000, Code: codeSent},
			{day: 26, Who: "THEO SANDBOXN", text: "SALAIRE", from: -221500, to: -221500, Code: codeSent},
			{day: 26, Who: "INES SANDBOXO", text: "SALAIRE", from: -276300, to: -276300, Code: codeSent},
			{day: 26, Who: "MARC SANDBOXP", text: "SALAIRE", from: -249000, to: -234000, Code: codeSent},
		},
	}
}
