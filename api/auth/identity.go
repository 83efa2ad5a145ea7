package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Identity is who makes a request. It is shared by all requests with its token: don't change it.
type Identity struct {
	User, UserName, UserDomain          string // ids but for UserName; "" where nobody said
	Project, ProjectName, ProjectDomain string // Project is never ""
	Roles                               []string
	// IsAdmin says that one of the roles is admin, in any case. Mistral has no setting for it.
	IsAdmin bool
	Token   Secret
	// ExpiresAt is the token's end; zero if it has none.
	ExpiresAt time.Time
	// Cloud is where actions go to that talk to OpenStack.
	Cloud Cloud
}

// Cloud is an OpenStack with a way in. It is the one that the token belongs to, or, with X-Target- headers, another.
type Cloud struct {
	AuthURL  string
	Token    Secret
	Region   string
	Insecure bool // its certificate isn't verified
	IsTarget bool // it was named by X-Target- headers

	User, UserName, Project, ProjectName string
	// Catalog is Keystone's list of services as JSON; nil if nobody sent it, and then it has to be asked for.
	Catalog json.RawMessage
}

type contextKey struct{}

// WithIdentity is the context of a request by id.
func WithIdentity(ctx context.Context, id *Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// From is the identity in a context; false if there is none, as in routes that are Open.
func From(ctx context.Context) (*Identity, bool) {
	id, ok := ctx.Value(contextKey{}).(*Identity)
	return id, ok && id != nil
}

// hasRole compares as oslo.policy does, without regard to case.
func (id *Identity) hasRole(role string) bool {
	return slices.ContainsFunc(id.Roles, func(r string) bool { return strings.EqualFold(r, role) })
}

// Secret is a text that only Reveal shows. Formatting, logging and encoding it give ***.
type Secret struct{ text string }

// NewSecret makes text a secret.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal is the text.
func (s Secret) Reveal() string { return s.text }

// IsEmpty says that there is no text.
func (s Secret) IsEmpty() bool { return s.text == "" }

const hidden = "***"

// Format writes *** for every verb: without it, %d and %x would show the text.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String is ***.
func (s Secret) String() string { return hidden }

// LogValue is ***.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText is ***, in JSON too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
