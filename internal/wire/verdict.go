package wire

// Level is how bad a verdict is.
type Level int

// Levels, the worst last.
const (
	Good Level = iota
	Warn
	Bad
)

var levels = [...]string{"good", "warn", "bad"}

// MarshalText is an encoding.TextMarshaler's.
func (l Level) MarshalText() ([]byte, error) { return []byte(levels[l]), nil }

// UnmarshalText is an encoding.TextUnmarshaler's; a word that this build does not know
// is as bad as can be.
func (l *Level) UnmarshalText(text []byte) error {
	*l = Bad
	for i, word := range levels {
		if word == string(text) {
			*l = Level(i)
		}
	}
	return nil
}

// Survival tells whether the next death of an edge would cost a session.
type Survival string

// What is known of the next death.
const (
	Yes     Survival = "yes"
	No      Survival = "no"
	Unknown Survival = "unknown" // there is no majority, or somebody's load is not known
)

// Verdict is the cluster in a sentence, by the balancer that answers: the same for the
// page, the API, `tandem status` and the metrics.
type Verdict struct {
	Level    Level    `json:"level"`
	Text     string   `json:"text"`           // what is the matter
	More     string   `json:"more"`           // what follows from it
	Next     string   `json:"next,omitempty"` // what to do; empty: nothing
	Survives Survival `json:"survives_next"`
}
