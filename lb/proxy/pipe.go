package proxy

import "tandem/internal/front"

// pipe gives an empty pipe; nil when there is none to be had.
func (s *Splicer) emptyPipe() *front.Pipe {
	if n := len(s.pipes); n > 0 {
		p := s.pipes[n-1]
		s.pipes = s.pipes[:n-1]
		return p
	}
	p, err := front.OpenPipe()
	if err != nil {
		return nil
	}
	return p
}

// return takes a pipe back. One with something in it is thrown away.
func (s *Splicer) putPipe(p *front.Pipe) {
	if p.Held() > 0 || len(s.pipes) >= pipesMost {
		p.Close()
		return
	}
	s.pipes = append(s.pipes, p)
}

// pipesMost bounds the empty pipes that a loop keeps.
const pipesMost = 64
