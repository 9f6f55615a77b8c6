package storagetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/service"
	"consentd/internal/service/register"
	"consentd/internal/service/tokens"
)

// tppEdits are other values of every column of a TPP that is known, and blocked
// for a time.
func tppEdits() map[string][]string {
	return map[string][]string{
		"id": {"'X:another'"}, "name": {"'another'", "''"}, "organisation": {"'another'"}, "nca_id": {"'XX'"}, "nca_name": {"'another'"},
		"roles": {"'PSP_PI'", "roles || ' PSP_PI'", "roles || ' '"}, "certificate": {"'bb'", "''"},
		"first_seen_at": {"NULL", "'2026-02-01T00:00:00.000000Z'"}, "certificate_seen_at": {"NULL", "'2026-02-01T00:00:00.000000Z'"},
		"blocked_at": {"NULL", "'2026-02-01T00:00:00.000000Z'"}, "blocked_until": {"NULL", "'2026-03-01T12:00:00.123457Z'"},
		"blocked_by": {"'another'", "''"}, "block_reason": {"'another'", "''"}, "ends_consents": {"NOT ends_consents"},
		"end_request_id": {"'another'"}, "search": {"''"},
		"redirect_uris": {"'https://evil.example/'", "redirect_uris || '\nhttps://evil.example/'"}, "seals": {"'MAA='"},
	}
}

// tokenEdits are other values of every column of a token for the hub that has an
// end.
func tokenEdits() map[string][]string {
	return map[string][]string{
		"id": {"'" + uuid.NewString() + "'"}, "name": {"'another'"}, "role": {"'back-office'", "'hub '"}, "mac": {"seal"}, "seal": {"mac"},
		"created_at": {"'2026-02-01T00:00:00.000000Z'"}, "expires_at": {"NULL", "'2126-02-01T00:00:00.000000Z'"},
		"revoked_at": {"created_at"},
	}
}

// owned is a chain of a TPP or a token, and the table with its row.
func owned(table, chain string) victim { return victim{chain: chain, table: table} }

// of completes a statement on the row of a victim.
func (v victim) of(statement string) string {
	prefix, _, _ := strings.Cut(v.chain, "/")
	return statement + " WHERE '" + prefix + "/' || CAST(id AS text) = $1"
}

// known is a TPP that has called, and has been blocked and let in again.
func (b *bundle) known() victim {
	b.t.Helper()
	t := acme()
	t.ID = "X:" + uuid.NewString()
	r := b.register(b, start)
	require.NoError(b.t, r.Admit(b.ctx, t, ""))
	_, _, err := r.Block(b.ctx, officer("r"), t.ID, register.Block{Reason: "unblocked"})
	require.NoError(b.t, err)
	_, err = r.Unblock(b.ctx, officer("r"), t.ID)
	require.NoError(b.t, err)
	_, err = r.SetClient(b.ctx, officer("r"), t.ID, register.Client{RedirectURIs: []string{"https://acme.example/cb"}})
	require.NoError(b.t, err)
	return owned("tpps", register.Chain(t.ID))
}

// blocked is a TPP that has called and is blocked for a time.
func (b *bundle) blocked() victim {
	b.t.Helper()
	v := b.known()
	_, _, err := b.register(b, start).Block(b.ctx, officer("r"), strings.TrimPrefix(v.chain, "tpp/"),
		register.Block{Reason: "because", Until: start.Add(time.Hour), EndsConsents: true})
	require.NoError(b.t, err)
	return v
}

// stopped is a TPP on the stop list.
func (b *bundle) stopped() victim {
	b.t.Helper()
	id := "X:" + uuid.NewString()
	_, _, err := b.register(b, start).Block(b.ctx, officer("r"), id, register.Block{Reason: "because"})
	require.NoError(b.t, err)
	return owned("tpps", register.Chain(id))
}

func (b *bundle) tokens() *tokens.Tokens {
	return &tokens.Tokens{Store: b, Keys: b.Keys, Now: func() time.Time { return start }}
}

// hub is a token for the hub that has an end.
func (b *bundle) hub() victim {
	b.t.Helper()
	_, t, err := b.tokens().New(b.ctx, service.Hub, "hub", time.Hour)
	require.NoError(b.t, err)
	return owned("bank_tokens", tokens.Chain(t.ID))
}

// revoked is a token that has no end and was revoked.
func (b *bundle) revoked() victim {
	b.t.Helper()
	_, t, err := b.tokens().New(b.ctx, service.Hub, "hub", 0)
	require.NoError(b.t, err)
	_, err = b.tokens().Revoke(b.ctx, t.ID)
	require.NoError(b.t, err)
	return owned("bank_tokens", tokens.Chain(t.ID))
}

func editedRows(t *testing.T, b *bundle) {
	t.Helper()
	for _, fresh := range []func() victim{b.known, b.blocked, b.stopped, b.hub, b.revoked} {
		fresh()
	}
	require.Empty(t, b.faults())
	b.edit(b.blocked, tppEdits())
	b.edit(b.hub, tokenEdits())
	b.edit(b.known, map[string][]string{"blocked_at": {"first_seen_at"}, "first_seen_at": {"NULL"}, "redirect_uris": {"''", "seals"}, "seals": {"redirect_uris"}})
	b.edit(b.stopped, map[string][]string{"blocked_at": {"NULL"}, "first_seen_at": {"blocked_at"}, "blocked_until": {"blocked_at"}})
	b.edit(b.revoked, map[string][]string{"revoked_at": {"NULL"}, "role": {"'dashboard'"}, "expires_at": {"revoked_at"}})
	for table, edits := range map[string]map[string][]string{"tpps": tppEdits(), "bank_tokens": tokenEdits()} {
		// Fails, should there be a column that is not edited here.
		b.Exec(t, fmt.Sprintf("SELECT * FROM %s WHERE 1 = 0 UNION ALL SELECT NULL%s WHERE 1 = 0", table, strings.Repeat(", NULL", len(edits)-1)))
	}
}

// edit gives each column each of the values, one at a time.
func (b *bundle) edit(fresh func() victim, edits map[string][]string) {
	b.t.Helper()
	for column, values := range edits {
		for _, value := range values {
			v := fresh()
			if column == "id" { // what it is called then has no chain
				prefix, _, _ := strings.Cut(v.chain, "/")
				b.tampered = append(b.tampered, prefix+"/"+strings.Trim(value, "'"))
			}
			b.tamper(column+" = "+value, v, v.of(fmt.Sprintf("UPDATE %s SET %s = %s", v.table, column, value)))
		}
	}
}

func removedRows(t *testing.T, b *bundle) {
	t.Helper()
	const end, entries = "DELETE FROM audit_chains WHERE chain = $1", "DELETE FROM audit_entries WHERE chain = $1"
	for _, fresh := range []func() victim{b.known, b.blocked, b.stopped, b.hub, b.revoked} {
		for name, statements := range map[string]func(victim) []string{
			"the row removed":             func(v victim) []string { return []string{v.of("DELETE FROM " + v.table)} },
			"the row and the end removed": func(v victim) []string { return []string{v.of("DELETE FROM " + v.table), end} },
			"the row and the entries":     func(v victim) []string { return []string{v.of("DELETE FROM " + v.table), entries} },
			"the end removed":             func(victim) []string { return []string{end} },
			"the entries removed":         func(victim) []string { return []string{entries} },
			"the end and the entries":     func(victim) []string { return []string{end, entries} },
			"as if there had not been any": func(victim) []string {
				return []string{entries, "UPDATE audit_chains SET count = 0, head = '' WHERE chain = $1"}
			},
		} {
			v := fresh()
			b.tamper(name, v, statements(v)...)
		}
	}
	for i := range 250 { // more than are read at once
		b.tampered = append(b.tampered, fmt.Sprintf("tpp/Y:%03d", i))
		b.Exec(t, `INSERT INTO tpps (id, name, organisation, nca_id, nca_name, roles, certificate, search) VALUES ($1, '', '', '', '', '', '', '')`,
			fmt.Sprintf("Y:%03d", i))
	}
	found := map[string]bool{}
	for _, f := range b.found() {
		found[f.Chain] = true
	}
	for _, chain := range b.tampered {
		require.Contains(t, found, chain)
	}
	require.Len(t, found, len(b.tampered))
	token := uuid.NewString()
	b.tampered = append(b.tampered, tokens.ChainPrefix+token)
	b.tamper("put in", owned("bank_tokens", tokens.ChainPrefix+token), "INSERT INTO bank_tokens (id, name, role, mac, seal, created_at)"+
		" SELECT '"+token+"', name, role, seal, mac, created_at FROM (SELECT * FROM bank_tokens LIMIT 1) AS t WHERE $1 <> ''")
}

// editedThenChanged edits rows and has the program change them after that, which
// writes an entry with what it finds.
func editedThenChanged(t *testing.T, b *bundle) {
	t.Helper()
	r := b.register(b, start.Add(time.Minute))
	id := func(v victim) string { return strings.TrimPrefix(v.chain, "tpp/") }
	changes := map[string]func(v victim) error{
		"a block": func(v victim) error {
			_, _, err := r.Block(b.ctx, officer("r"), id(v), register.Block{Reason: "another"})
			return err
		},
		"a certificate": func(v victim) error {
			other := acme()
			other.ID, other.Certificate = id(v), "cc"
			return r.Admit(b.ctx, other, "")
		},
	}
	for name, change := range changes {
		for _, set := range []string{"blocked_at = NULL, blocked_until = NULL", "blocked_at = NULL, name = 'another'", "blocked_at = NULL"} {
			v := b.blocked()
			b.Exec(t, v.of("UPDATE tpps SET "+set), v.chain)
			require.NoError(t, change(v), name)
			b.tamper(name+" after "+set, v)
		}
	}
	for _, set := range []string{"role = 'back-office'", "expires_at = NULL", "revoked_at = created_at"} {
		v := b.hub()
		b.Exec(t, v.of("UPDATE bank_tokens SET "+set), v.chain)
		_, err := b.tokens().Revoke(b.ctx, uuid.MustParse(strings.TrimPrefix(v.chain, tokens.ChainPrefix)))
		require.NoError(t, err)
		b.tamper("revoked after "+set, v)
	}
}
