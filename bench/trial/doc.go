// Command trial kills, stops and cuts off a cache, or kills and restarts the
// balancer, while viewers watch, with tandem, nginx, HAProxy and Caddy side by side
// on one machine, and prints what the viewers saw. `make trial` runs it and writes
// docs/trial.md; with --rows it is done in parts, each of which adds its rows to a file.
//
// Set-up of each run: one origin, two caches that are warm, one balancer, each
// a host of its own (a network namespace on one bridge, TCP reno, socket
// buffers of at most 128 kB, so that a dead machine's last bytes are not
// delivered from a kernel's memory); 64 paced viewers that read segments of
// 4 MB and 4 s at 2 MB/s; half of them hold 4 s of buffer, half 10 s; half of
// each never retry, half retry three times, a second apart.
//
// Always true:
//   - every body is compared with the segment's SHA-256;
//   - all contenders get the same media, the same viewers and the same fault;
//   - the program ends only processes that it started, and removes its
//     namespaces, also when it fails.
//
// It needs root (namespaces), and nginx, HAProxy, Caddy and keepalived from Debian.
package main
