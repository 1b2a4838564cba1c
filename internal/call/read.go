package call

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// MaxBody bounds what another node may send, in bytes.
const MaxBody = 4 << 20

// ReadBody reads a body of at most so many bytes. False: it was refused.
func ReadBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		RefuseNode(w, http.StatusRequestEntityTooLarge, ReasonBody, "the body is larger than "+strconv.FormatInt(most, 10)+" bytes")
	case err != nil:
		RefuseNode(w, http.StatusBadRequest, ReasonBody, "the body did not arrive whole")
	default:
		return body, true
	}
	return nil, false
}

// Read reads what another node says. Fields that this build does not know are
// let pass: nodes are upgraded one after the other. False: it was refused.
func Read(w http.ResponseWriter, r *http.Request, into any) bool {
	body, ok := ReadBody(w, r, MaxBody)
	return ok && decode(w, json.NewDecoder(bytes.NewReader(body)), into)
}

// ReadStrict reads an operator's order: exactly one JSON value without unknown
// fields. False: it was refused with a line that names the fault.
func ReadStrict(w http.ResponseWriter, r *http.Request, most int64, into any) bool {
	body, ok := ReadBody(w, r, most)
	if !ok {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return decode(w, d, into)
}

func decode(w http.ResponseWriter, d *json.Decoder, into any) bool {
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("more than one value")
	}
	if err != nil {
		RefuseNode(w, http.StatusBadRequest, ReasonBody, "malformed body: "+strings.TrimPrefix(err.Error(), "json: "))
		return false
	}
	return true
}
