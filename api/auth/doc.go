// Package auth says who makes a request and what they may do: authentication and authorisation for the REST API.
//
// # Who
//
// An Authenticator turns a request into an Identity. Config.Mode chooses one of four:
//
//   - off: nobody is asked, everything belongs to one project, as in Mistral with auth_enable=false. Whoever reaches the
//     server is allowed everything;
//   - tokens: tokens from a file, for installations without Keystone;
//   - keystone: tokens of OpenStack's identity service, validated there and remembered for a while;
//   - proxy: keystonemiddleware or another proxy in front has done the work and says the outcome in headers. They are
//     believed only from the addresses in Config.TrustedProxies.
//
// Tokens come in X-Auth-Token or as "Authorization: Bearer". They are never in logs, errors or JSON: a Secret shows itself
// as ***, and caches know tokens by their SHA-256.
//
// # What
//
// An Enforcer answers by rules in oslo.policy's language, Mistral's names and defaults (Defaults), overridden by a
// policy.yaml. All of it is read and checked at the start: a rule that can't be parsed, names something that isn't there or
// goes in a circle is an error with its place, where oslo.policy denies silently at run time.
//
// # How the API uses it
//
// A Router is a ServeMux whose every route has a rule; there is no way to register one without:
//
//	guard := auth.NewGuard(authenticator, enforcer, logger)
//	router := auth.NewRouter(guard)
//	router.Handle("GET /healthcheck", auth.Open, writeFault, health)
//	router.Handle("POST /v2/workflows/validate", auth.Authenticated, writeFault, validate)
//	router.Handle("POST /v2/workflows", "workflows:create", writeFault, create)
//
// By the time that create runs, the request is authenticated and allowed, and From(ctx) gives the identity. What depends on
// the request's content is asked in the handler, which answers a refusal like any error (its kind is fault.Forbidden):
//
//	if scope == "public" {
//		if err := enforcer.Check(ctx, "workflows:publicize", nil); err != nil {
//
// and what depends on an object's owner with the owner in the target, which is the caller if nothing is said:
//
//	err := enforcer.Check(ctx, "workflows:update", auth.Target{"project_id": row.Project})
//
// The API's test walks its routes: Unguarded lists those that are open without being meant to or whose rule doesn't suit
// their method, LetIn sends each an anonymous request and lists those that don't answer 401.
package auth
