package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"cierzo/dsl/yaml"
	"cierzo/expr/value"
	"cierzo/fault"
)

// Token is a token of mode Tokens, and whom it stands for.
type Token struct {
	// Hash is the token's SHA-256: the token itself is nowhere on the server. HashToken makes it.
	Hash    [sha256.Size]byte
	User    string
	Project string
	Roles   []string
	// ExpiresAt is when it stops being valid. Defaults to never.
	ExpiresAt time.Time
}

// tokenMin is the shortest static token, in bytes: shorter ones can be guessed.
const tokenMin = 16

// HashToken is what a token is known by.
func HashToken(token Secret) [sha256.Size]byte { return sha256.Sum256([]byte(token.Reveal())) }

// LoadTokens reads a file of tokens, see ParseTokens.
func LoadTokens(path string) ([]Token, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "read the tokens")
	}
	return ParseTokens(path, text)
}

// ParseTokens reads a list of tokens in YAML:
//
//   - token: "sha256:9f86d0…"   # of printf %s "$token" | sha256sum; or the token itself, of 16 characters at least
//     user: alice
//     project: web
//     roles: [member]
//     expires_at: "2027-01-01T00:00:00Z"   # optional
//
// file is for errors, which never have a token in them.
func ParseTokens(file string, text []byte) ([]Token, error) {
	root, err := yaml.Parse(text)
	if err != nil {
		// The error of the parser shows lines of the file, and they have tokens in them.
		var e *yaml.Error
		if errors.As(err, &e) {
			return nil, fault.New(fault.Invalid, "%s:%d:%d: %s", file, e.Line, e.Col, e.Problem)
		}
		return nil, fault.New(fault.Invalid, "%s isn't YAML", file)
	}
	if _, isList := root.Value.(*value.List); !isList {
		return nil, fault.New(fault.Invalid, "%s:%d:%d: tokens are a list", file, root.Line, root.Col)
	}
	var tokens []Token
	var errs []error
	for _, n := range root.Items {
		t, err := parseToken(n)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d:%d: %w", file, n.Line, n.Col, err))
		}
		tokens = append(tokens, t)
	}
	if len(errs) > 0 {
		return nil, fault.New(fault.Invalid, "%w", errors.Join(errs...))
	}
	return tokens, nil
}

func parseToken(n *yaml.Node) (Token, error) {
	var t Token
	if _, isMapping := n.Value.(*value.Dict); !isMapping {
		return t, errors.New("a token is a mapping with token, user, project, roles and expires_at")
	}
	hashed := false
	for _, e := range n.Entries {
		name, _ := e.Key.Value.(value.String)
		text, isText := e.Node.Value.(value.String)
		var err error
		switch {
		case name == "roles":
			t.Roles, err = parseRoles(e.Node)
		case !slices.Contains(tokenKeys(), string(name)):
			// The key may be a token in the wrong place, so it isn't repeated.
			err = fmt.Errorf("a key that isn't known: there are %s", strings.Join(tokenKeys(), ", "))
			if hint := didYouMean(string(name), tokenKeys()); hint != "" {
				err = fmt.Errorf("%w; %s", err, hint)
			}
		case !isText || text == "":
			err = fmt.Errorf("%s is a text, and not an empty one", name)
		case name == "token":
			t.Hash, err = parseHash(string(text))
			hashed = true
		case name == "user":
			t.User = string(text)
		case name == "project":
			t.Project = string(text)
		case name == "expires_at":
			if t.ExpiresAt, err = time.Parse(time.RFC3339, string(text)); err != nil {
				err = errors.New(`expires_at is a time as "2027-01-01T00:00:00Z", in quotes`)
			}
		}
		if err != nil {
			return t, err
		}
	}
	if !hashed || t.Project == "" {
		return t, errors.New("a token needs token and project")
	}
	return t, nil
}

func tokenKeys() []string { return []string{"token", "user", "project", "roles", "expires_at"} }

func parseRoles(n *yaml.Node) ([]string, error) {
	if _, isList := n.Value.(*value.List); !isList {
		return nil, errors.New("roles is a list of texts")
	}
	var roles []string
	for _, item := range n.Items {
		role, isText := item.Value.(value.String)
		if !isText || role == "" {
			return nil, errors.New("roles is a list of texts")
		}
		roles = append(roles, string(role))
	}
	return roles, nil
}

// parseHash reads "sha256:" and 64 hexadecimal digits, or hashes a token that is there itself.
func parseHash(text string) ([sha256.Size]byte, error) {
	var hash [sha256.Size]byte
	if digits, isHash := strings.CutPrefix(text, "sha256:"); isHash {
		if n, err := hex.Decode(hash[:], []byte(digits)); len(digits) != 2*sha256.Size || err != nil || n != sha256.Size {
			return hash, errors.New("sha256: is followed by 64 hexadecimal digits")
		}
		return hash, nil
	}
	if len(text) < tokenMin {
		return hash, fmt.Errorf("a token has at least %d characters; openssl rand -hex 32 makes a good one", tokenMin)
	}
	return HashToken(NewSecret(text)), nil
}

// tokenAuthenticator compares with a list of tokens.
type tokenAuthenticator struct {
	tokens []Token
	now    func() time.Time
}

func newTokenAuthenticator(tokens []Token, now func() time.Time) (Authenticator, error) {
	if len(tokens) == 0 {
		return nil, fault.New(fault.Invalid, "mode tokens needs a token at least: nobody could get in")
	}
	seen := map[[sha256.Size]byte]bool{HashToken(Secret{}): true, {}: true}
	for i, t := range tokens {
		if t.Project == "" {
			return nil, fault.New(fault.Invalid, "token %d has no project", i+1)
		}
		if seen[t.Hash] {
			return nil, fault.New(fault.Invalid, "token %d is empty, or is there twice", i+1)
		}
		seen[t.Hash] = true
	}
	return &tokenAuthenticator{slices.Clone(tokens), now}, nil
}

func (a *tokenAuthenticator) Authenticate(r *http.Request) (*Identity, error) {
	token, err := requestToken(r)
	if err != nil {
		return nil, err
	}
	hash := HashToken(token)
	// All are compared, each in the same time, so that the time of an answer says nothing about any of them.
	found := -1
	for i := range a.tokens {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(a.tokens[i].Hash[:], hash[:]), i, found)
	}
	if found < 0 {
		return nil, refuse(reasonInvalid)
	}
	t := a.tokens[found]
	if !t.ExpiresAt.IsZero() && !a.now().Before(t.ExpiresAt) {
		return nil, refuse(reasonInvalid)
	}
	id := &Identity{User: t.User, UserName: t.User, Project: t.Project, ProjectName: t.Project, Roles: t.Roles, ExpiresAt: t.ExpiresAt}
	id.IsAdmin = id.hasRole(adminRole)
	// The token opens this API and nothing else, so no action gets it: Cloud stays empty unless the request names one.
	return id, id.aim(r)
}

func (*tokenAuthenticator) Challenge() string { return `Bearer realm="cierzo"` }
