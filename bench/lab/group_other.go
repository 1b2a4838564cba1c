//go:build !linux

package lab

import "syscall"

// ownGroup is for what builds elsewhere: the lab itself is made of Linux's namespaces.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
