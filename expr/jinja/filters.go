package jinja

import "cierzo/expr/value"

// lookupFilter finds a filter; nil: there is none. It is one flat table.
//
//nolint:funlen // a flat table: a line for each filter
func lookupFilter(name string) *builtin {
	switch name {
	case "abs":
		return &builtin{name: "abs", required: 1, params: []string{"x"}, eval: filterAbs}
	case "attr":
		return &builtin{name: "do_attr", required: 2, params: []string{"obj", "name"}, hidden: 1, eval: filterAttr}
	case "batch":
		return &builtin{name: "do_batch", required: 2, params: []string{"value", "linecount", "fill_with"}, eval: filterBatch}
	case "capitalize":
		return &builtin{name: "do_capitalize", required: 1, params: []string{"s"}, eval: textFilter(capitalize)}
	case "center":
		return &builtin{name: "do_center", required: 1, params: []string{"value", "width"}, eval: filterCenter}
	case "count", "length":
		return &builtin{name: "len", required: 1, params: []string{"obj"}, posOnly: true, brief: true, eval: filterLength}
	case "d", "default":
		return &builtin{name: "do_default", required: 1, params: []string{"value", "default_value", "boolean"}, brief: true, eval: filterDefault}
	case "dictsort":
		return &builtin{name: "do_dictsort", required: 1, params: []string{"value", "case_sensitive", "by", "reverse"}, eval: filterDictsort}
	case "e", "escape":
		return &builtin{name: "escape", required: 1, params: []string{"s"}, eval: filterEscape}
	case "filesizeformat":
		return &builtin{name: "do_filesizeformat", required: 1, params: []string{"value", "binary"}, eval: filterFilesize}
	case "first":
		return &builtin{name: "do_first", required: 1, params: []string{"seq"}, hidden: 1, brief: true, eval: filterFirst}
	case "float":
		return &builtin{name: "do_float", required: 1, params: []string{"value", "default"}, eval: filterFloat}
	case "forceescape":
		return &builtin{name: "do_forceescape", required: 1, params: []string{"value"}, eval: filterForceEscape}
	case "format":
		return &builtin{name: "do_format", required: 1, params: []string{"value"}, variadic: true, keywords: true, eval: filterFormat}
	case "groupby":
		return &builtin{name: "sync_do_groupby", required: 2, params: []string{"value", "attribute", "default", "case_sensitive"}, hidden: 1, brief: true, eval: filterGroupby}
	case "indent":
		return &builtin{name: "do_indent", required: 1, params: []string{"s", "width", "first", "blank"}, eval: filterIndent}
	case "int":
		return &builtin{name: "do_int", required: 1, params: []string{"value", "default", "base"}, eval: filterInt}
	case "items":
		return &builtin{name: "do_items", required: 1, params: []string{"value"}, eval: filterItems}
	case "join":
		return &builtin{name: "sync_do_join", required: 1, params: []string{"value", "d", "attribute"}, hidden: 1, brief: true, eval: filterJoin}
	case "last":
		return &builtin{name: "do_last", required: 1, params: []string{"seq"}, hidden: 1, brief: true, eval: filterLast}
	case "list":
		return &builtin{name: "do_list", required: 1, params: []string{"value"}, brief: true, eval: filterList}
	case "lower":
		return &builtin{name: "do_lower", required: 1, params: []string{"s"}, eval: textFilter(value.Lower)}
	case "map":
		return &builtin{name: "sync_do_map", required: 1, params: []string{"value"}, variadic: true, keywords: true, context: true, hidden: 1, brief: true, eval: filterMap, prepare: prepareMap}
	case "max":
		return &builtin{name: "do_max", required: 1, params: []string{"value", "case_sensitive", "attribute"}, hidden: 1, brief: true, eval: filterExtreme(">")}
	case "min":
		return &builtin{name: "do_min", required: 1, params: []string{"value", "case_sensitive", "attribute"}, hidden: 1, brief: true, eval: filterExtreme("<")}
	case "pprint":
		return &builtin{name: "do_pprint", required: 1, params: []string{"value"}, eval: filterPprint}
	case "random":
		return &builtin{name: "do_random", required: 1, params: []string{"seq"}, context: true, hidden: 1, eval: filterRandom}
	case "reject":
		return &builtin{name: "sync_do_reject", required: 1, params: []string{"value"}, variadic: true, keywords: true, context: true, hidden: 1, brief: true, eval: filterSelect(false, false), prepare: prepareSelect(false)}
	case "rejectattr":
		return &builtin{name: "sync_do_rejectattr", required: 1, params: []string{"value"}, variadic: true, keywords: true, context: true, hidden: 1, brief: true, eval: filterSelect(false, true), prepare: prepareSelect(true)}
	case "replace":
		return &builtin{name: "do_replace", required: 3, params: []string{"s", "old", "new", "count"}, hidden: 1, eval: filterReplace}
	case "reverse":
		return &builtin{name: "do_reverse", required: 1, params: []string{"value"}, eval: filterReverse}
	case "round":
		return &builtin{name: "do_round", required: 1, params: []string{"value", "precision", "method"}, eval: filterRound}
	case "safe":
		return &builtin{name: "do_mark_safe", required: 1, params: []string{"value"}, eval: filterSafe}
	case "select":
		return &builtin{name: "sync_do_select", required: 1, params: []string{"value"}, variadic: true, keywords: true, context: true, hidden: 1, brief: true, eval: filterSelect(true, false), prepare: prepareSelect(false)}
	case "selectattr":
		return &builtin{name: "sync_do_selectattr", required: 1, params: []string{"value"}, variadic: true, keywords: true, context: true, hidden: 1, brief: true, eval: filterSelect(true, true), prepare: prepareSelect(true)}
	case "slice":
		return &builtin{name: "sync_do_slice", required: 2, params: []string{"value", "slices", "fill_with"}, eval: filterSlice}
	case "sort":
		return &builtin{name: "do_sort", required: 1, params: []string{"value", "reverse", "case_sensitive", "attribute"}, hidden: 1, eval: filterSort}
	case "string":
		return &builtin{name: "soft_str", required: 1, params: []string{"s"}, posOnly: true, eval: filterString}
	case "striptags":
		return &builtin{name: "do_striptags", required: 1, params: []string{"value"}, eval: filterStriptags}
	case "sum":
		return &builtin{name: "sync_do_sum", required: 1, params: []string{"iterable", "attribute", "start"}, hidden: 1, brief: true, eval: filterSum}
	case "title":
		return &builtin{name: "do_title", required: 1, params: []string{"s"}, eval: textFilter(titleFilter)}
	case "tojson":
		return &builtin{name: "do_tojson", required: 1, params: []string{"value", "indent"}, hidden: 1, eval: filterTojson}
	case "trim":
		return &builtin{name: "do_trim", required: 1, params: []string{"value", "chars"}, eval: filterTrim}
	case "truncate":
		return &builtin{name: "do_truncate", required: 1, params: []string{"s", "length", "killwords", "end", "leeway"}, hidden: 1, eval: filterTruncate}
	case "unique":
		return &builtin{name: "sync_do_unique", required: 1, params: []string{"value", "case_sensitive", "attribute"}, hidden: 1, eval: filterUnique}
	case "upper":
		return &builtin{name: "do_upper", required: 1, params: []string{"s"}, eval: textFilter(value.Upper)}
	case "urlencode":
		return &builtin{name: "do_urlencode", required: 1, params: []string{"value"}, eval: filterURLEncode}
	case "urlize":
		return &builtin{name: "do_urlize", required: 1, params: []string{"value", "trim_url_limit", "nofollow", "target", "rel", "extra_schemes"}, hidden: 1, eval: filterURLize}
	case "wordcount":
		return &builtin{name: "do_wordcount", required: 1, params: []string{"s"}, eval: filterWordcount}
	case "wordwrap":
		return &builtin{name: "do_wordwrap", required: 1, params: []string{"s", "width", "break_long_words", "wrapstring", "break_on_hyphens"}, hidden: 1, eval: filterWordwrap}
	case "xmlattr":
		return &builtin{name: "do_xmlattr", required: 1, params: []string{"d", "autospace"}, hidden: 1, eval: filterXMLAttr}
	}
	return mistralFilter(name)
}
