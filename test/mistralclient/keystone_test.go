package mistralclient

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// account is a user that Keystone knows.
type account struct {
	password, project string
	roles             []string
}

// keystone is as much of OpenStack's identity service as clients and servers use: logging in by a password, and saying whose a
// token is. Its catalogue has one service, the workflow service.
type keystone struct {
	*httptest.Server
	accounts map[string]account

	mu       sync.Mutex
	workflow string            // the address of the workflow service
	tokens   map[string]string // token → user
}

func newKeystone(t *testing.T, accounts map[string]account) *keystone {
	k := &keystone{accounts: accounts, tokens: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v3", k.version)
	mux.HandleFunc("GET /v3/{$}", k.version)
	mux.HandleFunc("POST /v3/auth/tokens", k.logIn)
	mux.HandleFunc("GET /v3/auth/tokens", k.validate)
	k.Server = httptest.NewServer(mux)
	t.Cleanup(k.Close)
	return k
}

type object = map[string]any

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (k *keystone) version(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, object{"version": object{
		"id": "v3.14", "status": "stable", "links": []object{{"rel": "self", "href": k.URL + "/v3/"}},
	}})
}

func (k *keystone) logIn(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Auth struct {
			Identity struct {
				Password struct {
					User struct{ Name, Password string }
				}
			}
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		answer(w, http.StatusBadRequest, object{})
		return
	}
	user := body.Auth.Identity.Password.User
	a, ok := k.accounts[user.Name]
	if !ok || a.password != user.Password {
		answer(w, http.StatusUnauthorized, object{"error": object{"code": 401, "message": "wrong password"}})
		return
	}
	k.mu.Lock()
	token := fmt.Sprintf("token-of-%s-%d", user.Name, len(k.tokens))
	k.tokens[token] = user.Name
	k.mu.Unlock()
	w.Header().Set("X-Subject-Token", token)
	answer(w, http.StatusCreated, k.describe(user.Name))
}

func (k *keystone) validate(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	user, ok := k.tokens[r.Header.Get("X-Subject-Token")]
	k.mu.Unlock()
	if !ok {
		answer(w, http.StatusNotFound, object{})
		return
	}
	answer(w, http.StatusOK, k.describe(user))
}

func (k *keystone) describe(user string) object {
	k.mu.Lock()
	defer k.mu.Unlock()
	a := k.accounts[user]
	var roles []object
	for _, r := range a.roles {
		roles = append(roles, object{"id": "role-" + r, "name": r})
	}
	domain := object{"id": "default", "name": "Default"}
	return object{"token": object{
		"methods": []string{"password"}, "issued_at": time.Now().UTC().Format(time.RFC3339Nano),
		"expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano),
		"user":       object{"id": "id-" + user, "name": user, "domain": domain},
		"project":    object{"id": a.project, "name": a.project, "domain": domain},
		"roles":      roles,
		"catalog": []object{{"type": "workflowv2", "name": "mistral", "id": "service", "endpoints": []object{
			{"id": "e", "interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": k.workflow},
		}}},
	}}
}
