package call

import (
	"fmt"
	"net/url"
	"strings"
)

// CheckBaseURL is nil for a base URL of a node, and else names the field and the
// mend.
func CheckBaseURL(field, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return fmt.Errorf("%s: %q is no base URL; want one like http://127.0.0.1:8080", field, text)
	}
	return nil
}
