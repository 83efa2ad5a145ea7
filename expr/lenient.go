package expr

// ParseLenient is Parse for texts that were not checked: one that doesn't parse gives its error when it is evaluated.
func ParseLenient(text string) *Template {
	t, err := Parse(text)
	if err != nil {
		return &Template{source: text, broken: err}
	}
	return t
}
