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

func (s *server) environmentRoutes() {
	s.jsonRoute("GET /v2/environments", s.listEnvironments)
	s.jsonRoute("POST /v2/environments", s.createEnvironment)
	s.jsonRoute("PUT /v2/environments", s.updateEnvironment)
	s.jsonRoute("GET /v2/environments/{name}", s.getEnvironment)
	s.jsonRoute("DELETE /v2/environments/{name}", s.definitionRemover(persistence.EnvironmentDefinition))
}

// An environment is stored as a definition whose text is {"description": …, "variables": {…}}.
func environmentText(description string, variables *value.Dict) (string, error) {
	d := value.NewDict(2)
	d.SetString("description", value.String(description))
	d.SetString("variables", variables)
	text, err := value.AppendJSON(nil, d)
	return string(text), err
}

func (s *server) createEnvironment(r *http.Request) (int, any, error) {
	d, err := s.readEnvironment(r, nil)
	if err != nil {
		return 0, nil, err
	}
	stored, err := s.Store.CreateDefinitions(r.Context(), []persistence.Definition{*d})
	if fault.Is(err, fault.Conflict) {
		return 0, nil, fault.New(fault.Conflict, "Duplicate entry for Environment ['name', 'project_id']: %s, %s", d.Name, d.ProjectID)
	}
	if err != nil {
		return 0, nil, err
	}
	env, err := environmentJSON(stored[0])
	env.UpdatedAt = apitype.Opt[string]{}
	return http.StatusCreated, env, err
}

func (s *server) updateEnvironment(r *http.Request) (int, any, error) {
	d, err := s.readEnvironment(r, func(name string) (*persistence.Definition, error) {
		return s.lookUp(r, persistence.EnvironmentDefinition, name, "")
	})
	if err != nil {
		return 0, nil, err
	}
	stored, err := s.Store.PutDefinitions(r.Context(), []persistence.Definition{*d})
	if err != nil {
		return 0, nil, err
	}
	env, err := environmentJSON(stored[0])
	return http.StatusOK, env, err
}

// readEnvironment reads the body. With existing, which finds the environment to change, absent fields stay.
func (s *server) readEnvironment(r *http.Request, existing func(name string) (*persistence.Definition, error)) (*persistence.Definition, error) {
	f, err := readFields(r, "env", "name", "description", "variables", "scope", "id", "created_at", "updated_at", "project_id")
	if err != nil {
		return nil, err
	}
	name, err := f.text("name")
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, fault.New(fault.Invalid, "Name of the environment is not provided.")
	}
	scope, description, variables := "private", "", value.NewDict(0)
	if existing != nil {
		old, err := existing(name)
		if err != nil {
			return nil, err
		}
		scope = old.Scope
		if description, variables, err = catalog.ParseEnvironment(old); err != nil {
			return nil, err
		}
	}
	if f.has("scope") {
		if scope, err = f.text("scope"); err != nil {
			return nil, err
		}
	}
	if f.has("description") {
		if description, err = f.text("description"); err != nil {
			return nil, err
		}
	}
	if v, err := f.object("variables"); err != nil {
		return nil, err
	} else if v != nil {
		variables = v
	}
	text, err := environmentText(description, variables)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "variables")
	}
	sum := sha256.Sum256([]byte(text))
	return &persistence.Definition{
		ProjectID: s.Project, Kind: persistence.EnvironmentDefinition, Name: name, Scope: scope,
		Text: text, Hash: hex.EncodeToString(sum[:]),
	}, nil
}

func (s *server) listEnvironments(r *http.Request) (int, any, error) {
	c := collection{
		name: "environments", sortBy: "created_at",
		columns: []string{"id", "name", "description", "variables", "scope", "project_id", "created_at", "updated_at"},
	}
	q, err := c.parse(r.URL.Query())
	if err != nil {
		return 0, nil, err
	}
	defs, err := s.allDefinitions(r, persistence.EnvironmentDefinition)
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
	d, err := s.findDefinition(r, persistence.EnvironmentDefinition)
	if err != nil {
		return 0, nil, err
	}
	env, err := environmentJSON(*d)
	return http.StatusOK, env, err
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
		ID: d.FirstID, Name: d.Name, Description: apitype.Text(description), Variables: text, Scope: d.Scope,
		ProjectID: d.ProjectID, CreatedAt: apitype.Time(d.CreatedAt), UpdatedAt: apitype.Null[string](),
	}, nil
}
