package faults

import (
	"database/sql"
	"encoding/base32"
	"encoding/json"
	"net/http"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
)

// byApp is the method of an authenticator app.
const byApp = "TOTP"

// setUpApp is a PSU who has an authenticator app made theirs on the way, which
// they have done on no walk before.
func setUpApp(w *world) {
	w.t.Helper()
	db, err := sql.Open("pgx", w.order.Database)
	require.NoError(w.t, err)
	defer db.Close()
	_, err = db.ExecContext(w.t.Context(), "DELETE FROM flow_store WHERE flow = 'persona'")
	require.NoError(w.t, err)
	byTheApp(w).sentOnce(1)
}

// useApp is the same PSU later on.
func useApp(w *world) {
	w.t.Helper()
	if w.seed("omar") == nil {
		byTheApp(w)
		w.begin("", 0) // that was no part of the walk
	}
	byTheApp(w).sentOnce(0)
}

// byTheApp walks a redirect on which the PSU chooses the app.
func byTheApp(w *world) *tpp {
	w.t.Helper()
	c := &tpp{world: w, psu: "omar", method: byApp}
	c.create(dedicated(omarIBAN))
	c.signs(false)
	require.Equal(w.t, "valid", c.status())
	return c
}

// seed is that of a PSU's app; nil while they have none.
func (w *world) seed(psu string) []byte {
	w.t.Helper()
	raw, err := w.db.FlowStore("persona").Get(w.t.Context(), psu, "totp")
	require.NoError(w.t, err)
	var kept struct{ Seed []byte }
	if raw != nil {
		require.NoError(w.t, json.Unmarshal(raw, &kept))
	}
	return kept.Seed
}

// shown is what the PSU types: what the app shows, which they have from the page
// at first, or the code on their phone before that. A code that was wrong is a
// reason to wait for the next.
func (u *psu) shown() string {
	u.t.Helper()
	if u.status == http.StatusUnauthorized {
		u.turn(30 * time.Second)
	}
	key := spaced.ReplaceAllString(appKey.FindString(u.body), "")
	if seed := u.seed(u.name); seed != nil && u.method == byApp {
		key = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
	}
	if key == "" {
		return u.code()
	}
	code, err := totp.GenerateCode(key, u.order.Now)
	require.NoError(u.t, err)
	return code
}
