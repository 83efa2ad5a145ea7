package api

import (
	"net/http"

	"cierzo/fault"
)

func (s *server) versions(r *http.Request) (int, any, error) {
	type link struct {
		Href   string `json:"href"`
		Target string `json:"target"`
		Rel    string `json:"rel"`
	}
	type version struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		Links  []link `json:"links"`
	}
	v := version{"v2.0", "CURRENT", []link{{baseURL(r) + "/v2", "v2", "self"}}}
	return http.StatusOK, map[string][]version{"versions": {v}}, nil
}

func (s *server) root(r *http.Request) (int, any, error) {
	return http.StatusOK, map[string]string{"uri": baseURL(r) + "/v2"}, nil
}

func (s *server) info(*http.Request) (int, any, error) {
	if s.Info == nil {
		return 0, nil, fault.New(fault.Invalid, "Info endpoint disabled.")
	}
	return http.StatusOK, s.Info, nil
}

func (s *server) health(r *http.Request) (int, any, error) {
	info, err := s.Store.Info(r.Context())
	if err != nil {
		return 0, nil, fault.Wrap(fault.Unavailable, err, "database")
	}
	return http.StatusOK, map[string]any{"store": info.Kind, "schema": info.Schema}, nil
}

// missingID answers a request that names nothing, in Mistral's words.
func missingID(*http.Request) (int, any, error) {
	return 0, nil, fault.New(fault.Invalid, `Missing argument: "id"`)
}
