//go:build tools

// Package tools names the program that the rig builds, so that go.mod keeps what it needs.
package tools

import _ "github.com/cloudnative-pg/cloudnative-pg/cmd/manager"
