package expr

// ParseLenient is Parse for texts that were not checked: an expression that doesn't parse gives its error when it is
// evaluated, and of a text with both languages Jinja's part is evaluated.
func ParseLenient(text string) *Template { return parse(text) }
