package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/access"
	"tandem/internal/certificate"
	"tandem/internal/identity"
	"tandem/internal/obs"
	"tandem/internal/operator"
	"tandem/internal/serve"
)

// inspect is what a role finds out when it starts, beyond its settings one by one, and
// `config check` before: addresses that can't be listened at, and files. What is wrong is an
// error; a file that is not there is told, since it may come before the start. Errors name the setting
// as a flag.
func inspect(as identity.Role, texts map[string]string) (told []string, err error) {
	if err := errors.Join(checkListeners(texts), obs.CheckLevel(texts["log-level"])); err != nil {
		return nil, err
	}
	for _, look := range []func() error{
		func() error { return checkOperators(texts) },
		func() error { return checkCertificate("--admin-cert", texts["admin-cert"], texts["admin-key"]) },
		func() error { return checkCertificate("--tls-cert", texts["tls-cert"], texts["tls-key"]) },
		func() error { return checkIdentity(as, texts["identity"], texts["name"]) },
		func() error { return checkAccess(texts["access-file"]) },
		func() error { return checkAccessLog(texts["access-log"]) },
		func() error { return checkData(as, texts) },
		func() error { return checkInterface(texts) },
	} {
		switch err := look(); {
		case errors.Is(err, fs.ErrNotExist):
			told = append(told, err.Error())
		case err != nil:
			return told, err
		}
	}
	return told, nil
}

// checkListeners wants addresses that can be listened at, and no two of them the same.
func checkListeners(texts map[string]string) error {
	var names []string
	for name := range texts {
		if strings.HasSuffix(name, "listen") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	optional := []string{"tls-listen", "raft-listen", "node-listen", "edge-node-listen"}
	for i, name := range names {
		at := texts[name]
		if at == "" && slices.Contains(optional, name) {
			continue
		}
		if err := serve.CheckListen("--"+name, at); err != nil {
			return err
		}
		for _, other := range names[:i] {
			if clash(at, texts[other]) {
				return fmt.Errorf("--%s: %s is where --%s listens (%s): give another port", name, at, other, texts[other])
			}
		}
	}
	return nil
}

// clash tells whether two listeners can't be open at once. Names are not looked up.
func clash(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	all := func(host string) bool {
		ip := net.ParseIP(host)
		return host == "" || ip != nil && ip.IsUnspecified()
	}
	return all(hostA) || all(hostB) || hostA == hostB || net.ParseIP(hostA) != nil && net.ParseIP(hostA).Equal(net.ParseIP(hostB))
}

func checkOperators(texts map[string]string) error {
	for _, name := range []string{"admin-listen", "edge-admin-listen"} {
		if at, ok := texts[name]; ok {
			cfg := operator.Config{File: texts["operators-file"], Listen: at, Open: texts["admin-open"] == "true"}
			if _, err := operator.New(cfg, operator.Deps{Now: time.Now}); errors.Is(err, operator.ErrOpen) {
				return fmt.Errorf("--%s: %w", name, err)
			} else if err != nil {
				return fmt.Errorf("--operators-file: %w", err)
			}
		}
	}
	return nil
}

func checkCertificate(flag, cert, key string) error {
	if key == "" {
		key = cert
	}
	if _, err := certificate.Open(cert, key, zerolog.Nop()); err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}

func checkIdentity(as identity.Role, dir, name string) error {
	if dir == "" {
		return nil
	}
	_, err := identity.OpenAs(dir, as, name, time.Now)
	if err == nil {
		return nil
	}
	if _, own := os.Stat(filepath.Join(dir, "node.pem")); errors.Is(own, fs.ErrNotExist) {
		if _, named := os.Stat(filepath.Join(dir, name)); errors.Is(named, fs.ErrNotExist) {
			return absent{fmt.Errorf("--identity: %w", err)}
		}
	}
	return fmt.Errorf("--identity: %w", err)
}

// absent is an error of what is not there yet.
type absent struct{ error }

// Is is for errors.Is.
func (absent) Is(target error) bool { return target == fs.ErrNotExist }

func checkAccess(file string) error {
	if file == "" {
		return nil
	}
	if _, _, err := access.Load(file); err != nil {
		return fmt.Errorf("--access-file: %w", err)
	}
	return nil
}

func checkAccessLog(file string) error {
	if file == "" || file == "-" {
		return nil
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return fmt.Errorf("--access-log: %s is a directory", file)
	}
	if _, err := os.Stat(filepath.Dir(file)); err != nil {
		return fmt.Errorf("--access-log: %w", err)
	}
	return nil
}

// checkData wants a directory, or a place for one: an edge makes what is missing, a balancer
// no more than the last of it, lest it begins anew beside a disk that is not mounted.
func checkData(as identity.Role, texts map[string]string) error {
	dir := texts["data"]
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("--data: %s is no directory", dir)
	}
	if _, both := texts["edge-listen"]; both || as != identity.Balancer || err == nil || dir == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(dir)); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	return nil
}

// checkInterface wants the network interface of an edge's groups to be there, or to come.
func checkInterface(texts map[string]string) error {
	name := texts["multicast-interface"]
	if name == "" || texts["duplication"] != "multicast" {
		return nil
	}
	if _, err := net.InterfaceByName(name); err != nil {
		return absent{fmt.Errorf("--multicast-interface: %s: %w", name, err)}
	}
	return nil
}
