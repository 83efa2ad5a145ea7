package auth

import (
	"net/netip"

	"cierzo/fault"
)

// ParseProxies reads addresses ("10.0.0.5") and networks ("10.0.0.0/24") for Config.TrustedProxies.
func ParseProxies(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fault.New(fault.Invalid, "trusted proxy %q is neither an address nor a network such as 10.0.0.0/24", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
