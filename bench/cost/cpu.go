package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the kernel's unit of CPU time in /proc: USER_HZ is 100 on Linux.
const tick = 10 * time.Millisecond

// cpuOf is the CPU time that a process and all its descendants have used.
func cpuOf(root int) (time.Duration, error) {
	parents := map[int]int{}
	used := map[int]time.Duration{}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, dir := range dirs {
		text, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue // it ended while we looked
		}
		pid, parent, cpu, err := parseStat(string(text))
		if err != nil {
			return 0, err
		}
		parents[pid], used[pid] = parent, cpu
	}
	if _, ok := used[root]; !ok {
		return 0, fmt.Errorf("process %d is gone", root)
	}
	var sum time.Duration
	for pid, cpu := range used {
		for p := pid; p > 1; p = parents[p] {
			if p == root {
				sum += cpu
				break
			}
		}
	}
	return sum, nil
}

// cpuOfBoth is that of a server and of its client.
func cpuOfBoth(server, client int) (used [2]time.Duration, err error) {
	if used[0], err = cpuOf(server); err == nil {
		used[1], err = cpuOf(client)
	}
	return used, err
}

// parseStat reads /proc/PID/stat. The command's name may hold anything, also
// brackets: what follows its last one are the fields from the third on.
func parseStat(text string) (pid, parent int, cpu time.Duration, err error) {
	open, closing := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || closing < 0 {
		return 0, 0, 0, fmt.Errorf("unreadable stat: %q", text)
	}
	fields := strings.Fields(text[closing+1:])
	if len(fields) < 13 {
		return 0, 0, 0, fmt.Errorf("short stat: %q", text)
	}
	var user, system int
	for _, f := range []struct {
		to   *int
		text string
	}{{&pid, strings.TrimSpace(text[:open])}, {&parent, fields[1]}, {&user, fields[11]}, {&system, fields[12]}} {
		if *f.to, err = strconv.Atoi(f.text); err != nil {
			return 0, 0, 0, err
		}
	}
	return pid, parent, time.Duration(user+system) * tick, nil
}
