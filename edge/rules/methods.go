package rules

import "net/http"

// Safe methods change nothing (RFC 9110 section 9.2.1, and the registry).
func Safe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, "PROPFIND", "QUERY", "REPORT", "SEARCH", "PRI":
		return true
	}
	return false
}
