package setting

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// linked are the variables that Kubernetes gives each container for a Service, whose name
// may be tandem-lb: nobody meant them for the command.
var linked = regexp.MustCompile(`(^|_)(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// strangers names a variable that is meant for this command and sets nothing: a word
// written wrongly, or without the command's name, must not be silence.
func (s *Set) strangers() error {
	if s.Environ == nil {
		return nil
	}
	known := map[string]bool{s.EnvName("config"): true}
	bare := map[string]string{} // TANDEM_JOIN, by which nothing is set: TANDEM_LB_JOIN
	for _, row := range s.Rows {
		name := s.EnvName(row.Name)
		known[name] = true
		bare["TANDEM_"+strings.TrimPrefix(name, s.EnvName(""))] = name
	}
	all := s.Environ()
	slices.Sort(all)
	for _, entry := range all {
		name, value, _ := strings.Cut(entry, "=")
		if value == "" || known[name] || slices.Contains(s.Also, name) || linked.MatchString(name) {
			continue
		}
		if meant := bare[name]; meant != "" {
			return fmt.Errorf("%s sets nothing; %s is meant", name, meant)
		}
		if setting, own := strings.CutPrefix(name, s.EnvName("")); own {
			setting = strings.ToLower(strings.ReplaceAll(setting, "_", "-"))
			return fmt.Errorf("%s: there is no setting %s%s (tandem %s --help)", name, setting, Meant(setting, s.names()), s.Command)
		}
	}
	return nil
}
