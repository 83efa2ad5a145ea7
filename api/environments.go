package api

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
)

// environmentText is how an environment is stored, as a definition's text: {"description": …, "variables": {…}}. What was
// never given isn't in it.
func environmentText(description *string, variables *value.Dict) (string, error) {
	d := value.NewDict(2)
	if description != nil {
		d.SetString("description", value.String(*description))
	}
	if variables != nil {
		d.SetString("variables", variables)
	}
	text, err := value.AppendJSON(nil, d)
	return string(text), err
}

func (s *server) createEnvironment(r *http.Request) (int, any, error) {
	f, name, err := readEnvironment(r)
	if err != nil {
		return 0, nil, err
	}
	c := callerOf(r)
	d, err := s.environmentOf(r, f, &persistence.Definition{
		ProjectID: c.ProjectID, CreatedBy: c.UserID, Kind: persistence.EnvironmentDefinition, Name: name, Scope: "private", Text: "{}",
	})
	if err != nil {
		return 0, nil, err
	}
	stored, err := s.Store.CreateDefinitions(r.Context(), []persistence.Definition{*d})
	if fault.Is(err, fault.Conflict) && r.Header.Get(idempotencyHeader) != "" {
		if found, e := s.Store.FindDefinition(r.Context(), d.Key()); e == nil && found.Hash == d.Hash && found.ProjectID == d.ProjectID {
			stored, err = []persistence.Definition{*found}, nil
		}
	}
	if fault.Is(err, fault.Conflict) {
		return 0, nil, fault.New(fault.Conflict, "Duplicate entry for Environment ['name', 'project_id']: %s, %s", d.Name, d.ProjectID)
	}
	if err != nil {
		return 0, nil, err
	}
	env, err := environmentJSON(stored[0])
	env.UpdatedAt = apitype.Opt[string]{}
	if !f.has("description") {
		env.Description = apitype.Opt[string]{}
	}
	if !f.has("variables") {
		env.Variables = apitype.Opt[string]{}
	}
	return http.StatusCreated, env, err
}

func (s *server) updateEnvironment(r *http.Request) (int, any, error) {
	f, name, err := readEnvironment(r)
	if err != nil {
		return 0, nil, err
	}
	old, err := s.lookUp(r, persistence.EnvironmentDefinition, name, "")
	if err != nil {
		return 0, nil, err
	}
	if err := mayChange(r, old); err != nil {
		return 0, nil, err
	}
	d, err := s.environmentOf(r, f, old)
	if err != nil {
		return 0, nil, err
	}
	d.CreatedBy = callerOf(r).UserID
	stored, err := s.Store.PutDefinitions(r.Context(), []persistence.Definition{*d})
	if err != nil {
		return 0, nil, err
	}
	env, err := environmentJSON(stored[0])
	return http.StatusOK, env, err
}

// readEnvironment reads the body and the name in it.
func readEnvironment(r *http.Request) (fields, string, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return nil, "", err
	}
	f, err := readFields(r, "env", "name", "description", "variables", "scope", "id", "created_at", "updated_at", "project_id")
	if err != nil {
		return nil, "", err
	}
	for _, own := range []string{"id", "created_at", "updated_at", "project_id"} {
		if f.has(own) {
			return nil, "", fault.New(fault.Invalid, "Please, check your environment definition. Only: ['name', 'description', 'variables', 'scope'] are allowed as definition keys.")
		}
	}
	name, err := f.text("name")
	if err != nil {
		return nil, "", err
	}
	if name == "" {
		return nil, "", fault.New(fault.Invalid, "Name of the environment is not provided.")
	}
	return f, name, checkName("name", name)
}

// environmentOf is the environment with what the body says; what it doesn't say stays.
func (s *server) environmentOf(r *http.Request, f fields, old *persistence.Definition) (*persistence.Definition, error) {
	var description *string
	was, variables, err := catalog.ParseEnvironment(old)
	if err != nil {
		return nil, err
	}
	if was != "" {
		description = &was
	}
	d := *old
	if f.has("scope") {
		if d.Scope, err = f.text("scope"); err != nil {
			return nil, err
		}
		if err := s.mayPublish(r, "environments", d.Scope); err != nil {
			return nil, err
		}
	}
	if f.has("description") {
		text, err := f.text("description")
		if err != nil {
			return nil, err
		}
		description = &text
	}
	given, err := f.object("variables")
	if err != nil {
		return nil, err
	}
	if given != nil {
		variables = given
	}
	if d.Text, err = environmentText(description, variables); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "variables")
	}
	sum := sha256.Sum256([]byte(d.Text))
	d.Hash = hex.EncodeToString(sum[:])
	return &d, nil
}

func environmentCollection() collection {
	return collection{
		name: "environments", sortBy: "created_at", json: []string{"variables"},
		columns: []string{"id", "name", "description", "variables", "scope", "project_id", "created_at", "updated_at"},
	}
}

func (s *server) listEnvironments(r *http.Request) (int, any, error) {
	c := environmentCollection()
	q, err := c.read(r)
	if err != nil {
		return 0, nil, err
	}
	defs, err := s.definitionsFor(r, q, persistence.EnvironmentDefinition)
	if err != nil {
		return 0, nil, err
	}
	var items []apitype.Environment
	for _, d := range defs {
		env, err := environmentJSON(d)
		if err != nil {
			return 0, nil, err
		}
		items = append(items, env)
	}
	body, err := page(r, c, q, items)
	return http.StatusOK, body, err
}

func (s *server) getEnvironment(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query(), "namespace", "fields"); err != nil {
		return 0, nil, err
	}
	d, err := s.findDefinition(r, persistence.EnvironmentDefinition)
	if err != nil {
		return 0, nil, err
	}
	env, err := environmentJSON(*d)
	if err != nil {
		return 0, nil, err
	}
	body, err := someFields(r, environmentCollection(), env)
	return http.StatusOK, body, err
}

func environmentJSON(d persistence.Definition) (apitype.Environment, error) {
	description, variables, err := catalog.ParseEnvironment(&d)
	if err != nil {
		return apitype.Environment{}, err
	}
	text, err := dictText(variables)
	if err != nil {
		return apitype.Environment{}, fmt.Errorf("environment %s: %w", d.Name, err)
	}
	return apitype.Environment{
		ID: d.FirstID, Name: d.Name, Description: apitype.Text(description), Variables: apitype.Some(text), Scope: d.Scope,
		ProjectID: d.ProjectID, CreatedAt: apitype.Time(d.FirstAt), UpdatedAt: updatedAt(&d),
	}, nil
}
