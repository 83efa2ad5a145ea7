package std

import (
	"crypto/x509"
	"os"
)

// rootsFrom reads a file of certificates. What is wrong with it isn't told: the name is from the input, and the file is the
// runner's.
func rootsFrom(path string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if data, err := os.ReadFile(path); err != nil || !pool.AppendCertsFromPEM(data) {
		return nil, quoted("Could not find a suitable TLS CA certificate bundle, invalid path: %s", path)
	}
	return pool, nil
}
