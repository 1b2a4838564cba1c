package operator

import (
	"context"
	"fmt"
)

// Role is what somebody may do. A higher one includes the lower ones.
type Role int

// The roles.
const (
	Nobody   Role = iota // may see that there is a node, and whether it is well
	Viewer               // sees everything that is no secret
	Operator             // gives orders that end by themselves or can be undone
	Admin                // changes who is trusted, and looks into processes
)

var roleNames = [...]string{"nobody", "viewer", "operator", "admin"}

func (r Role) String() string {
	if r < Nobody || r > Admin {
		return "nobody"
	}
	return roleNames[r]
}

// ParseRole reads a role that somebody can have.
func ParseRole(text string) (Role, error) {
	for r, name := range roleNames {
		if Role(r) != Nobody && name == text {
			return Role(r), nil
		}
	}
	return Nobody, fmt.Errorf("%q is no role; want viewer, operator or admin", text)
}

// Person is who asks.
type Person struct {
	Name string
	Role Role
	By   string // how that is known: token, login, oidc; open: everybody is admin
}

type personKey struct{}

// PersonOf is who makes a request, behind a Gate.
func PersonOf(ctx context.Context) Person {
	p, _ := ctx.Value(personKey{}).(Person)
	return p
}
