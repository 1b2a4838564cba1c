package ingest

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// readBuffers are what bodies that still grow pass through on their way out.
var readBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// Part is a range of a growing object.
type Part struct{ first, last int64 } // last is inclusive, -1: its end

// Send writes a part to w, flushing what is there before it waits.
func (p *Push) Send(ctx context.Context, w http.ResponseWriter, asked Part) error {
	buffer := readBuffers.Get().(*[32 << 10]byte)
	defer readBuffers.Put(buffer)
	control := http.NewResponseController(w)
	for at := asked.first; asked.last < 0 || at <= asked.last; {
		available, ended, err := p.Wait(ctx, at)
		if err != nil {
			return err
		}
		if available <= at && ended {
			return nil
		}
		if asked.last >= 0 {
			available = min(available, asked.last+1)
		}
		for at < available {
			n, err := p.file.ReadAt(buffer[:min(int64(len(buffer)), available-at)], at)
			if n == 0 {
				return err
			}
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			at += int64(n)
		}
		_ = control.Flush() // a player must see it grow
	}
	return nil
}

// Describe finds what of the object is asked for, and says so in the head.
func (p *Push) Describe(h http.Header, r *http.Request) (asked Part, status int) {
	asked, size, status := Part{0, -1}, p.size, http.StatusOK
	if text := r.Header.Get("Range"); text != "" && r.Header.Get("If-Range") == "" {
		asked, size, status = p.part(r.Context(), text)
	}
	switch status {
	case http.StatusRequestedRangeNotSatisfiable:
		h.Set("Content-Range", "bytes */"+strconv.FormatInt(size, 10))
		size = 0
	case http.StatusPartialContent:
		total := "*"
		if size >= 0 {
			total = strconv.FormatInt(size, 10)
		}
		size = asked.last + 1 - asked.first
		h.Set("Content-Range", "bytes "+strconv.FormatInt(asked.first, 10)+"-"+strconv.FormatInt(asked.last, 10)+"/"+total)
	}
	if size >= 0 {
		h.Set("Content-Length", strconv.FormatInt(size, 10))
	}
	return asked, status
}

// part reads Range (RFC 9110 section 14). Of an object whose length is not known
// only a part that says its end can be given, when that has come; what can't be
// given is answered with the whole. The length, too, as far as it is known.
func (p *Push) part(ctx context.Context, text string) (asked Part, size int64, status int) {
	whole := Part{0, -1}
	spec, ok := strings.CutPrefix(text, "bytes=")
	from, to, dash := strings.Cut(spec, "-")
	if !ok || !dash {
		return whole, p.size, http.StatusOK
	}
	first, bad := strconv.ParseUint(from, 10, 62)
	last, open := strconv.ParseUint(to, 10, 62)
	switch {
	case from == "" && open == nil && p.size >= 0:
		first, last = uint64(max(p.size-int64(last), 0)), uint64(max(p.size-1, 0))
	case bad != nil || to != "" && (open != nil || last < first) || to == "" && p.size < 0:
		return whole, p.size, http.StatusOK
	case to == "":
		last = uint64(max(p.size-1, 0))
	}
	if size = p.size; size < 0 {
		available, ended, err := p.Wait(ctx, int64(last))
		if err != nil {
			return whole, p.size, http.StatusOK // which breaks
		}
		if ended {
			size = available
		}
	}
	if size >= 0 {
		if first >= uint64(size) {
			return whole, size, http.StatusRequestedRangeNotSatisfiable
		}
		last = min(last, uint64(size)-1)
	}
	return Part{int64(first), int64(last)}, size, http.StatusPartialContent
}
