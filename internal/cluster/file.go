package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Roles of nodes.
const (
	RoleOrigin = "origin"
	RoleLB     = "lb"
	RoleEdge   = "edge"
)

// DefaultViewers is the first balancer's viewer address in a demo that was not
// asked for another one.
const DefaultViewers = "127.0.0.1:8080"

// Node is one process of a cluster. Args is its exact command line: running it
// again after a kill is the machine coming back.
type Node struct {
	Name  string   `json:"name"`
	Role  string   `json:"role"`
	PID   int      `json:"pid"`
	Args  []string `json:"args"`
	HTTP  string   `json:"http"`
	Admin string   `json:"admin"`
	Dir   string   `json:"dir"`
	Fault string   `json:"fault,omitempty"` // where faults of the proxy before an edge are ordered; none: no proxy
}

// ProxyState is what the proxy before an edge answers an order, and a look, with.
type ProxyState struct {
	Edge    string `json:"edge"`
	Fault   string `json:"fault"`
	Struck  int    `json:"struck"`  // answers that began under the order, those between nodes too
	Answers int    `json:"answers"` // that passed or were struck, since the demo's start
}

// Stream is one stream that the origin offers.
type Stream struct {
	Stream string `json:"stream"`
	HLS    string `json:"hls,omitempty"`
	DASH   string `json:"dash,omitempty"`
	Live   bool   `json:"live"`
}

// File is cluster.json.
type File struct {
	Nodes     []Node   `json:"nodes"`
	Viewers   []string `json:"viewers"` // base URLs of the balancers' viewer listeners
	Dashboard string   `json:"dashboard"`
	Streams   []Stream `json:"streams"`
	Dir       string   `json:"dir"`
	Secret    string   `json:"secret_file"`
	Ingest    *Ingest  `json:"ingest,omitempty"` // nil: nothing is taken in
	CA        string   `json:"ca,omitempty"`     // file of the certificates by which https admin URLs are trusted; none: this machine's roots
	Origin    string   `json:"origin,omitempty"` // the user's own, which is no node; its streams are not known
}

// Ingest is where live streams can be pushed to.
type Ingest struct {
	HTTP   string `json:"http"`
	Points string `json:"points_file"` // the publishing points
}

// Read reads a cluster.json.
func Read(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cluster file: %w", err)
	}
	f := &File{}
	if err := json.Unmarshal(text, f); err != nil {
		return nil, fmt.Errorf("cluster file %s: %w", path, err)
	}
	return f, nil
}

// Write replaces the file at path: a reader sees the old one or the new one.
func (f *File) Write(path string) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".cluster-*")
	if err != nil {
		return fmt.Errorf("cluster file: %w", err)
	}
	_, err = temp.Write(append(text, '\n'))
	if closed := temp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return fmt.Errorf("cluster file: %w", err)
	}
	return nil
}

// Node finds a node by its name; nil when there is none. The pointer is into f.
func (f *File) Node(name string) *Node {
	for i := range f.Nodes {
		if f.Nodes[i].Name == name {
			return &f.Nodes[i]
		}
	}
	return nil
}

// Names lists the nodes of a role in their order.
func (f *File) Names(role string) []string {
	var names []string
	for _, n := range f.Nodes {
		if n.Role == role {
			names = append(names, n.Name)
		}
	}
	return names
}

// Admins lists the admin URLs of the balancers.
func (f *File) Admins() []string {
	var urls []string
	for _, n := range f.Nodes {
		if n.Role == RoleLB {
			urls = append(urls, n.Admin)
		}
	}
	return urls
}
