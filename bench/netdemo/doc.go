// Command netdemo is `tandem demo` with machines: every node of the cluster is
// on a host of its own, a network namespace on one bridge, so that a cable can
// be taken out while real players watch.
//
//	go run ./bench/netdemo --tandem bin/tandem --dir DIR
//	go run ./bench/netdemo --tandem bin/tandem --dir DIR -- COMMAND ARGUMENT...
//
// It writes DIR/cluster.json as the demo does, with one field more: "control",
// where POST /cut/NAME takes the link of a node down and POST /mend/NAME takes
// it up again. The addresses are those of the lab's network; a COMMAND runs on
// the host "viewers", which reaches them, and netdemo ends when it ends, with
// its exit code. Without one, netdemo stands until SIGINT or SIGTERM.
//
// Always true:
//   - nothing of the machine's own network changes; what netdemo started and the
//     namespaces are gone when it ends, unless it is killed itself (SIGKILL):
//     then the namespaces stay, empty;
//   - a cut tells nobody but the node that is cut off: the link goes down at its
//     own end, so the others get neither a FIN nor a RST.
//
// The control is a process on the balancer's host, because a listener belongs to
// a namespace. Goroutines: in netdemo one that carries out what the control asks
// for; in the control one that reads the answers, until netdemo closes their
// pipe, and the server's own.
//
// It needs root.
package main
