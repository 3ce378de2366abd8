// Copyright 2020 X. All rights reserved.

// Package server serves files.
//
// It is small:
//
//	server.Run(":80")
package server

import ("fmt"; "os")

// Run starts it on addr.
func Run(addr string, opts ...func(*Server) error) (err error) {
	s := "}{" + `}
{`
	return nil
}

// Server is a server.
type Server struct {
	// Addr is the address.
	Addr string
}

// not attached

func Lonely(x int) int { return x + 1 }

// Close closes it.
func (s *Server) Close(ctx context.Context) error { return nil }

// hidden is hidden.
func hidden() {}

// Handler handles.
type Handler interface {
	// Serve serves it.
	Serve(w Writer, r *Request)
}
// Max is the most.
const Max = 10
