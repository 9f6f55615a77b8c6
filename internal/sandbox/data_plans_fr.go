package sandbox

// planFrench is a household of one, which gets a little help with its rent.
func planFrench() plan {
	return plan{
		country: "FR", card: "CARTE", busy: 70, fits: fitPayments, swing: 12000,
		monthly: []order{
			{day: 22, who: "ATELIERS LUMEN SAS", text: "SALAIRE", from: 160000, to: 166000, code: codeSalary},
			{day: 5, who: "CAISSE DU LOGEMENT", text: "ALLOCATION LOGEMENT", from: 29000, to: 29000, code: codeReceived},
			{day: 22, who: "SCI LES TILLEULS", text: "LOYER", from: -78500, to: -78500, code: codeStanding},
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
			{who: "BOULANGERIE DU COIN", from: -1150, to: -220, category: "5462"},
			{who: "PHARMACIE DU PORT", from: -3400, to: -450, category: "5912"},
			{who: "BISTROT LE PHARE", from: -5200, to: -1350, category: "5812"},
			{who: "TRAINS DU SUD", from: -8900, to: -900, category: "4112"},
			{who: "LIBRAIRIE LA PLUME", from: -3900, to: -790, category: "5942"},
		},
	}
}

// planLea is lea's own account: she earns more, and pays into the joint one.
func planLea() plan {
	p := planFrench()
	p.busy = 46
	p.monthly[0].from, p.monthly[0].to = 218000, 226000
	p.monthly[1] = order{day: 22, who: "LEA SANDBOXA", text: "VERSEMENT COMPTE JOINT", code: codeSent, own: "r2", lead: leadOther}
	return p
}

func planHousehold() plan {
	return plan{
		country: "FR", card: "CARTE", busy: 30, fits: fitPayments, swing: 25000,
		monthly: []order{
			{day: 22, who: "LEA SANDBOXA", text: "VERSEMENT COMPTE JOINT", from: 65000, to: 65000, code: codeReceived, own: "r1"},
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
		country: "FR", card: "CARTE", busy: 12, fits: fitReceipts, swing: 900000,
		monthly: []order{
			{day: 5, who: "IMMOBILIERE DES QUAIS", text: "LOYER BUREAUX", from: -240000, to: -240000, code: codeStanding},
			{day: 10, who: "CAISSE DES COTISATIONS", text: "COTISATIONS SOCIALES", from: -612000, to: -548000, code: codeDebited},
			{day: 20, who: "RECETTE DES IMPOTS", text: "TVA", from: -488000, to: -312000, code: codeDebited},
			{day: 24, who: "SARL SANDBOX", text: "ALIMENTATION COMPTE DE PAIE", code: codeSent, own: "r22", lead: leadOther},
		},
		chances: []order{
			{percent: 22, who: "VERGER INDUSTRIES SA", text: "FACTURE", from: 180000, to: 620000, code: codeReceived},
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

// planPayroll pays wages, which differ by the hours, from what the company's other
// account puts in two days before.
func planPayroll() plan {
	return plan{
		country: "FR", fits: fitTransfers, swing: 180000,
		monthly: []order{
			{day: 24, who: "SARL SANDBOX", text: "ALIMENTATION COMPTE DE PAIE", from: 986000, to: 986000, code: codeReceived, own: "r21", lead: leadFitting},
			{day: 26, who: "NADIA SANDBOXM", text: "SALAIRE", from: -256000, to: -241000, code: codeSent},
			{day: 26, who: "THEO SANDBOXN", text: "SALAIRE", from: -221500, to: -221500, code: codeSent},
			{day: 26, who: "INES SANDBOXO", text: "SALAIRE", from: -276300, to: -276300, code: codeSent},
			{day: 26, who: "MARC SANDBOXP", text: "SALAIRE", from: -249000, to: -234000, code: codeSent},
		},
	}
}
