package setting

import "fmt"

// UsageError is a command, or a setting, that was used wrongly: exit code 2.
type UsageError struct{ err error }

func (e *UsageError) Error() string { return e.err.Error() }

// Unwrap is what was wrong.
func (e *UsageError) Unwrap() error { return e.err }

// Usage makes a UsageError in the words of fmt.Errorf.
func Usage(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// Wrong makes an error a UsageError; nil stays nil.
func Wrong(err error) error {
	if err == nil {
		return nil
	}
	return &UsageError{err}
}
