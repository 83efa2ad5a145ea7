package sqlstore

import (
	"net"
	"net/url"
	"strings"

	"cierzo/fault"
)

// address is a parsed dsn.
type address struct {
	dialect       dialect
	target        string // for people, without a password
	path          string // SQLite
	reads, writes string // lib/pq's dsn, servers
}

const forms = "give sqlite:///path/to/file.db, postgres://user@host:port/database or cockroach://user@host:port/database"

func parseDSN(dsn string) (address, error) {
	scheme, rest, ok := strings.Cut(dsn, "://")
	if !ok {
		// Not quoted: it may be lib/pq's other form, with a password.
		return address{}, fault.New(fault.Invalid, "the address of the database has no scheme; %s", forms)
	}
	switch scheme {
	case "sqlite", "sqlite3":
		if rest == "" || strings.HasSuffix(rest, "/") {
			return address{}, fault.New(fault.Invalid, "%s names no file; %s", dsn, forms)
		}
		if strings.ContainsAny(rest, "?#") {
			return address{}, fault.New(fault.Invalid, "%s: a SQLite file takes no parameters; %s", dsn, forms)
		}
		return address{dialect: sqlite(), target: rest, path: rest}, nil
	case "postgres", "postgresql":
		return parseServer(postgres(), "5432", dsn)
	case "cockroach", "cockroachdb":
		return parseServer(cockroach(), "26257", dsn)
	}
	return address{}, fault.New(fault.Invalid, "%q is no kind of database; %s", scheme, forms)
}

func parseServer(d dialect, port, dsn string) (address, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		// The text of the error would show the password.
		return address{}, fault.New(fault.Invalid, "the address of the %s database doesn't parse; %s", d.name, forms)
	}
	u.Scheme = "postgres"
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return address{}, fault.New(fault.Invalid, "the parameters of the address of the %s database don't parse; %s", d.name, forms)
	}
	if u.Host == "" && q.Get("host") == "" {
		return address{}, fault.New(fault.Invalid, "the address of the %s database names no host; %s", d.name, forms)
	}
	if strings.Trim(u.Path, "/") == "" && q.Get("dbname") == "" {
		return address{}, fault.New(fault.Invalid, "the address of the %s database names no database; %s", d.name, forms)
	}
	if u.Host != "" && u.Port() == "" && !strings.Contains(u.Host, ",") {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	defaults := map[string]string{"sslmode": "require", "connect_timeout": "10", "application_name": "cierzo"}
	if local(u, q) {
		defaults["sslmode"] = "disable"
	}
	for name, v := range defaults {
		if !q.Has(name) {
			q.Set(name, v)
		}
	}
	target := u.Host
	if target == "" {
		target = q.Get("host")
	}
	at := address{dialect: d, target: target + "/" + strings.Trim(u.Path, "/")}
	u.RawQuery = q.Encode()
	at.reads = u.String()
	for name, v := range d.writerSettings {
		q.Set(name, v)
	}
	u.RawQuery = q.Encode()
	at.writes = u.String()
	return at, nil
}

// local reports whether nothing leaves this machine.
func local(u *url.URL, q url.Values) bool {
	hosts := q.Get("host")
	if u.Host != "" {
		hosts = u.Host
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		ip := net.ParseIP(strings.Trim(host, "[]"))
		if host != "localhost" && !strings.HasPrefix(host, "/") && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}
