package auth

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"cierzo/fault"
)

// ownCloud is the cloud that the identity's token belongs to. A catalog that isn't JSON is dropped.
func (id *Identity) ownCloud(authURL, region string, catalog []byte) Cloud {
	c := Cloud{
		AuthURL: authURL, Token: id.Token, Region: region,
		User: id.User, UserName: id.UserName, Project: id.Project, ProjectName: id.ProjectName,
	}
	if json.Valid(catalog) {
		c.Catalog = catalog
	}
	return c
}

// aim takes another cloud for the request's actions if X-Target- headers name one. The errors are Mistral's.
func (id *Identity) aim(r *http.Request) error {
	h := r.Header
	uri := h.Get("X-Target-Auth-Uri")
	if uri == "" {
		return nil
	}
	insecure := h.Get("X-Target-Insecure")
	if insecure != "" && insecure != "True" && insecure != "False" {
		return fault.New(fault.Invalid, `X-Target-Insecure must be either "True", "False" or not provided. The default is "False".`)
	}
	c := Cloud{
		AuthURL: uri, Token: NewSecret(h.Get("X-Target-Auth-Token")), Region: h.Get("X-Target-Region-Name"),
		Insecure: insecure == "True", IsTarget: true,
		User: h.Get("X-Target-User-Id"), UserName: h.Get("X-Target-User-Name"),
		Project: h.Get("X-Target-Project-Id"), ProjectName: h.Get("X-Target-Project-Name"),
	}
	if c.Token.IsEmpty() {
		return fault.New(fault.Invalid, "Target auth URI (X-Target-Auth-Uri) target auth token (X-Target-Auth-Token) must be present")
	}
	if encoded := h.Get("X-Target-Service-Catalog"); encoded != "" {
		catalog, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || !json.Valid(catalog) {
			return fault.New(fault.Invalid, "X-Target-Service-Catalog is not JSON in base64")
		}
		c.Catalog = catalog
	}
	id.Cloud = c
	return nil
}
