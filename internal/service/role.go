package service

import "slices"

// Role is what a caller of the bank's own may do.
type Role string

// The roles of the bank's own callers.
const (
	ResourceServer Role = "resource-server" // gives account data, asks whether a TPP may have it
	Dashboard      Role = "dashboard"       // shows PSUs their consents
	BackOffice     Role = "back-office"     // sees and ends consents, blocks TPPs
	Hub            Role = "hub"             // stages consents, records payments
	SCA            Role = "sca"             // authenticates PSUs on pages of the bank's own
	App            Role = "app"             // says that a PSU has answered in the bank's app
)

// Roles lists every role.
func Roles() []Role { return []Role{ResourceServer, Dashboard, BackOffice, Hub, SCA, App} }

// Known reports whether there is such a role.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }
