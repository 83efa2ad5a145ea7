package jinja

import (
	"math"
	"strconv"
	"strings"
)

// formatFloat writes the magnitude of a float as C's printf does for e, E, f, F, g and G. alt keeps the point and the
// zeros at the end.
func formatFloat(f float64, verb byte, precision int, alt bool) string {
	upperCase := verb >= 'A' && verb <= 'Z'
	f = math.Abs(f)
	var s string
	switch {
	case math.IsInf(f, 0):
		s = "inf"
	case math.IsNaN(f):
		s = "nan"
	default:
		s = formatFinite(f, verb|32, precision, alt)
	}
	if upperCase {
		return strings.ToUpper(s)
	}
	return s
}

func formatFinite(f float64, verb byte, precision int, alt bool) string {
	switch verb {
	case 'e', 'f':
		s := strconv.FormatFloat(f, verb, precision, 64)
		if alt && precision == 0 {
			if at := strings.IndexByte(s, 'e'); at >= 0 {
				return s[:at] + "." + s[at:]
			}
			return s + "."
		}
		return s
	}
	precision = max(precision, 1)
	s := strconv.FormatFloat(f, 'e', precision-1, 64)
	at := strings.IndexByte(s, 'e')
	exponent, _ := strconv.Atoi(s[at+1:])
	if exponent < -4 || exponent >= precision {
		digits := s[:at]
		if !alt {
			digits = dropZeros(digits)
		} else if precision == 1 {
			digits += "."
		}
		return digits + s[at:]
	}
	s = strconv.FormatFloat(f, 'f', precision-1-exponent, 64)
	if !alt {
		return dropZeros(s)
	}
	if !strings.Contains(s, ".") {
		s += "."
	}
	return s
}

// dropZeros takes the zeros behind the point off, and the point with them.
func dropZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
