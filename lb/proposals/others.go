package proposals

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/raftfsm"
	"tandem/raftfsm/placement"
)

// Askable lists the balancers' base URLs, first the one at this balancer's own
// address.
func Askable(p *wire.Placement, own string) []string {
	var list []string
	for _, b := range p.Balancers {
		switch {
		case b.HTTP == "":
		case b.Name == own:
			list = append([]string{b.HTTP}, list...)
		default:
			list = append(list, b.HTTP)
		}
	}
	return list
}

// elsewhere asks the balancers that are replicas, following those who say who
// leads.
func (p *Proposals) elsewhere(ctx context.Context, c placement.Command) (placement.Result, error) {
	err := error(raftfsm.ErrNotLeader)
	for _, at := range Askable(p.node.Placement(), p.node.Name()) {
		for range 2 {
			var result placement.Result
			if result, err = p.forward(ctx, at, c); err == nil {
				return result, nil
			}
			leader, ok := LeaderOf(err)
			if !ok || leader.HTTP == "" || leader.HTTP == at {
				break
			}
			at = leader.HTTP
		}
	}
	return placement.Result{}, err
}

// LeaderOf reads a 421; HTTP is "" where nobody leads.
func LeaderOf(err error) (wire.Balancer, bool) {
	var s *call.StatusError
	var leader wire.Balancer
	if !errors.As(err, &s) || s.Status != http.StatusMisdirectedRequest || json.Unmarshal(s.Body, &leader) != nil {
		return leader, false
	}
	return leader, true
}
