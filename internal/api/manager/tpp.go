package manager

import (
	"net/netip"
	"net/url"
	"regexp"

	"consentd/internal/consent"
	wire "consentd/pkg/manager"
)

const (
	memberSoftware = "decodedSsa"
	memberRecord   = "directoryRecord"
	maxTPP         = 200
	maxListed      = 50
)

var visible = regexp.MustCompile(`^[!-~]+$`)

// tppRules judge who is said to have asked. softwareRules judge what their software
// statement says, and recordRule their entry: nobody here can mend a directory, so what
// could do harm on a page is left out, and the consent is taken. Directories know more:
// of that nothing is kept.
func tppRules() map[string]rule {
	return map[string]rule{
		"clientId": like(clientForm, "must end with a UUID of version 4"), "orgId": like(uuidForm, "must be a UUID of version 4"),
		"softwareStatementId": text(maxTPP), "tppId": text(maxTPP), "tppName": text(maxTPP),
		memberSoftware: anObject, memberRecord: anything,
	}
}

func anObject(path string, v any) consent.Faults {
	if _, ok := v.(map[string]any); !ok {
		return wrong(path, "must be an object")
	}
	return nil
}

// passing are the members that pass their rules.
func passing(o map[string]any, rules map[string]rule) map[string]any {
	good := map[string]any{}
	for name, judge := range rules {
		if v, there := o[name]; there && len(judge(name, v)) == 0 {
			good[name] = v
		}
	}
	return good
}

func recordRule() map[string]rule {
	return map[string]rule{memberRecord: like(base64Form, "must be base64").and(text(maxJWE))}
}

func softwareRules() map[string]rule {
	return map[string]rule{
		"redirect_uris": list(0, maxListed, address), "roles": list(0, maxListed, text(maxTPP)),
		"client_name": text(maxTPP), "client_id": text(maxTPP), "application_type": text(maxTPP), "organisation_id": text(maxTPP),
		"client_uri": address, "logo_uri": address, "jwks_uri": address, "sector_identifier_uri": address,
	}
}

func tppRule(path string, v any) consent.Faults { return some("tppId", tppRules())(path, v) }

// address wants what a page may lead to or show: https, or http on this very machine.
func address(path string, v any) consent.Faults {
	s, _ := v.(string)
	u, err := url.Parse(s)
	switch {
	case err != nil, len(s) > maxURL, !visible.MatchString(s), u.Hostname() == "", u.User != nil,
		u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return wrong(path, "must be an https address")
	default:
		return nil
	}
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// tppOf finds for whom a consent is staged: the body, once it was judged, says it, else
// the headers, else whoever knows.
func (h *Handler) tppOf(k *call, o map[string]any) (wire.TPP, error) {
	if said := objectIn(o, memberTPP); said != nil {
		return tppIn(said), nil
	}
	client := k.req.Header.Get(headerClient)
	if client == "" && h.Caller == nil {
		return wire.TPP{}, wrong(memberTPP, "is required: for whom is the consent?")
	}
	if client == "" {
		caller, err := h.Caller(k.req)
		return wire.TPP{ID: caller.ID, Name: caller.Name}, err
	}
	t := wire.TPP{ID: client, ClientID: client, OrgID: k.req.Header.Get(headerOrg), SoftwareStatementID: k.req.Header.Get(headerSoftware)}
	for _, x := range []struct{ name, value string }{{headerClient, client}, {headerOrg, t.OrgID}, {headerSoftware, t.SoftwareStatementID}} {
		if x.value != "" && text(maxTPP)("", x.value) != nil {
			return t, wrong("Header."+x.name, "must be text of at most 200 characters")
		}
	}
	return t, nil
}

// tppIn reads a tpp that was judged.
func tppIn(o map[string]any) wire.TPP {
	s := passing(objectIn(o, memberSoftware), softwareRules())
	return wire.TPP{
		ClientID: textIn(o, "clientId"), OrgID: textIn(o, "orgId"), SoftwareStatementID: textIn(o, "softwareStatementId"),
		ID: textIn(o, "tppId"), Name: textIn(o, "tppName"), DirectoryRecord: textIn(passing(o, recordRule()), memberRecord),
		Software: wire.Software{
			RedirectURIs: textsIn(s, "redirect_uris"), Roles: textsIn(s, "roles"),
			ClientName: textIn(s, "client_name"), ClientID: textIn(s, "client_id"),
			Application: textIn(s, "application_type"), OrganisationID: textIn(s, "organisation_id"),
			ClientURI: textIn(s, "client_uri"), LogoURI: textIn(s, "logo_uri"),
			JWKSURI: textIn(s, "jwks_uri"), SectorURI: textIn(s, "sector_identifier_uri"),
		},
	}
}
