package lb

import (
	"context"

	"tandem/internal/front/kernel"
	"tandem/internal/wire"
)

// Process is what a balancer does on behalf of the process that it runs in.
type Process struct{ l *LB }

// Process is for whoever ends, replaces and reloads the process.
func (l *LB) Process() Process { return Process{l} }

// Drain lets everybody go who is only kept waiting: polls and streams of events.
func (p Process) Drain() { p.l.leave() }

// Release lets go of the replica, so that another process can open it. This one
// goes on serving whom it has, until its listeners have ended.
func (p Process) Release(context.Context) error {
	p.l.leave()
	return p.l.control.Retire()
}

// Reload puts to use what of a new configuration may change while the balancer
// runs: the rows of the settings say which.
func (p Process) Reload(cfg Config) {
	p.l.connections.Limit(cfg.MaxConnections, cfg.MaxPerClient)
	p.l.connections.held.Limit(kernel.HeldMost(cfg.MaxHeld))
	p.l.certificate.Look()
}

// Audit tells all balancers what an operator has asked of this one. It does not wait.
func (p Process) Audit(e wire.Audited) { p.l.audits.Add(e) }
