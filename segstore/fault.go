package segstore

// FaultPoint is a place where Options.Fault is asked whether to fail.
type FaultPoint struct {
	Name string
	Help string
}

// FaultPoints lists the places where Options.Fault is asked.
var FaultPoints = []FaultPoint{
	{"create", "a body's file is about to be created"},
	{"allocate", "blocks for a body of known size are about to be reserved"},
	{"write", "bytes are about to be written to a body's file"},
	{"open", "a body's file is about to be opened for reading"},
	{"read", "bytes are about to be read from a body's file"},
	{"sync", "a complete body is about to be synced"},
	{"dirsync", "the directory of synced bodies is about to be synced"},
	{"commit", "a batch is about to be written to the index"},
	{"remove", "a body's file is about to be removed"},
}

func (s *Store) fault(point string) error {
	if s.opt.Fault == nil {
		return nil
	}
	return s.opt.Fault(point)
}
