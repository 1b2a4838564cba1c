package outgoing

import (
	"net/http"
	"strconv"
	"time"

	"tandem/internal/h1"
)

// AppendStatus begins the head of an answer.
func AppendStatus(b []byte, status int) []byte {
	b = strconv.AppendInt(append(b, "HTTP/1.1 "...), int64(status), 10)
	return append(append(append(b, ' '), http.StatusText(status)...), "\r\n"...)
}

// AppendRefusal begins the head of an answer that says why a request is refused, but
// for the reason itself, which is its body.
func AppendRefusal(b []byte, m *h1.Malformed) []byte {
	b = append(AppendStatus(b, m.Status), "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\n"...)
	b = append(strconv.AppendInt(append(b, "Content-Length: "...), int64(len(m.Why)+1), 10), "\r\n"...)
	return append(time.Now().UTC().AppendFormat(append(b, "Date: "...), http.TimeFormat), "\r\n"...)
}
