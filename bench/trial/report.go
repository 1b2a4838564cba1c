package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

func (r result) line() string {
	return fmt.Sprintf("in flight %d, from the dead cache %d, broken %d, errors %d/%d, stalled %d (%.1f s), next byte p95 %d ms, origin %d",
		r.InFlight, r.FromDead, r.Broken, r.Errors, r.NoRetry, r.Stalled, float64(r.StallMS)/1000, r.NextByteP95, r.OriginAsked)
}

// earlier are the rows of the parts before this one.
func (s settings) earlier() ([]result, error) {
	if s.rows == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.rows)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var rows []result
	return rows, json.Unmarshal(text, &rows)
}

func (s settings) keepRows(rows []result) error {
	if s.rows == "" {
		return nil
	}
	text, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.rows, text, 0o644)
}

// report prints the table, and writes the page when a file is named.
func report(out io.Writer, file string, s settings, rows []result) error {
	table := tableOf(rows)
	if _, err := io.WriteString(out, table); err != nil {
		return err
	}
	if file == "" {
		return nil
	}
	var page strings.Builder
	page.WriteString("# Trial: a cache or a balancer fails while viewers watch\n\nWritten by `make trial`; make it again on your own machine.\n\n")
	fmt.Fprintf(&page, "%d paced viewers, segments of %d MB and %d s, each read at %d MB/s; half hold 4 s of buffer, half 10 s; half of each never retry,\n"+
		"half retry 3 times after 1 s. Origin, two warm caches, balancer and viewers are hosts of their own (network namespaces, TCP reno, socket buffers\n"+
		"of at most 128 kB). After %s one cache is killed (SIGKILL), stopped (SIGSTOP: accepts, answers nothing) or cut off (its cable is taken out).\n\n"+
		"In the rows *front-kill* and *front-restart* two balancers share an address that moves (keepalived, with the files of deploy/ for every system); the one that\n"+
		"has it is killed, or restarted by what its maker offers: tandem SIGUSR2, nginx SIGHUP, HAProxy SIGUSR2 to its master, `caddy reload`. Who retries does so every\n"+
		"0.25 s there, for 3 s as well: with 1 s, what hls.js and dash.js leave, that pause would be all that is measured (`--pause 1s`: tandem 1.01 s, whatever the address does).\n\n",
		s.viewers, segmentBytes>>20, segmentSeconds, readRate>>20, s.faultAfter)
	page.WriteString(table)
	page.WriteString("\n*In flight*: responses under way at the fault, and of them those that came from the cache that failed. *Broken*: bodies that were cut short, hung, failed\n" +
		"or had wrong bytes (retries included). *Next good byte*: over the viewers that the failed cache was serving and that went on at all, how long from its last byte, or its error, until the next byte of a body that was right; *gave up*: those that did not.\n" +
		"What hangs until the end of the run is in no column: with Caddy, which has no limit for silence inside a body, that is most of what was in flight at *stop* and *link*.\n" +
		"*Origin*: requests for segments after both caches were warm.\n\n" +
		"With tandem a stream's viewers are spread over the edges that store it, all of whose bytes are then at stake; with the others over caches by URL. The peers retry everything that they can; none\n" +
		"of them can go on inside a body that has begun.\n\n" +
		"*tandem, steered*: viewers fetch from the edges themselves and follow the list of content steering (docs/steering.md), at the balancer's own address. One whose request fails, or brings nothing for 10 s\n" +
		"(the first limit of hls.js), goes on at the next of its ways at once, also one that never retries otherwise; what failed counts as broken.\n\n" +
		"When a balancer is killed, what it carried is gone with its connections, whoever made it: viewers that never retry end. The address answers again 0.4 to 0.6 s later (docs/deploy.md), the others\n" +
		"find it there at their next try and read the segment anew, so one with 4 s of buffer may stand for as long; real players, with segments of 2 s, don't (`make front`: hls.js, dash.js, Shaka). Steered ones lose nothing.\n")
	return os.WriteFile(file, []byte(page.String()), 0o644)
}

func tableOf(rows []result) string {
	var b strings.Builder
	b.WriteString("| fault | system | in flight (from the dead cache) | broken | viewers with an error, of those without retries | viewers stalled, seconds in all | next good byte, p95 (gave up) | origin asked again |\n|---|---|---|---|---|---|---|---|\n")
	for _, fault := range []string{"kill", "stop", "link", frontKilled, frontRestarted} {
		for _, r := range rows {
			if r.Fault == fault {
				fmt.Fprintf(&b, "| %s | %s | %d (%d) | %d | %d of %d | %d, %.1f | %.2f s (%d) | %d |\n", r.Fault, r.Contender, r.InFlight, r.FromDead,
					r.Broken, r.Errors, r.NoRetry, r.Stalled, float64(r.StallMS)/1000, float64(r.NextByteP95)/1000, r.Never, r.OriginAsked)
			}
		}
	}
	return b.String()
}

// check holds tandem's rows against the promise.
func (s settings) check(rows []result) error {
	if !s.strict {
		return nil
	}
	var broken []string
	for _, r := range rows {
		switch {
		case r.Contender == "tandem, steered":
			// Whose edge hangs finds out by its own limit.
			if r.Fault != "stop" && r.Fault != "link" && r.Wrong+r.Stalled+r.OriginAsked > 0 {
				broken = append(broken, r.Fault+", steered: "+r.line())
			}
			continue
		case r.Contender != "tandem":
			continue
		}
		limit := int64(600)
		switch r.Fault {
		case "kill":
			limit = 250
		case frontKilled: // what was on the wire is asked for again, from its first byte
			if r.Wrong > 0 || r.NextByteP95 >= 1000 || r.StallMS > 1000*int64(r.StalledShort) {
				broken = append(broken, r.Fault+": "+r.line())
			}
			continue
		}
		if r.Broken+r.Errors+r.Stalled+r.OriginAsked > 0 || r.NextByteP95 > limit || r.FromDead < 10 {
			broken = append(broken, r.Fault+": "+r.line())
		}
	}
	if broken != nil {
		return errors.New("the promise does not hold: " + strings.Join(broken, "; "))
	}
	return nil
}
