package main

import (
	"fmt"
	"net/http"
)

// Server answers requests for tides.
type Server struct {
	port  int
	tides map[string]float64
}

// Start listens until the process ends.
func (s *Server) Start() error {
	http.HandleFunc("/tide", s.tide)
	return http.ListenAndServe(fmt.Sprintf(":%d", s.port), nil)
}

func (s *Server) tide(w http.ResponseWriter, r *http.Request) {
	harbour := r.URL.Query().Get("harbour")
	height, ok := s.tides[harbour]
	if !ok {
		http.Error(w, "no such harbour", http.StatusNotFound)
		return
	}
	fmt.Fprintf(w, "%.2f", height)
}
