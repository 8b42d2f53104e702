//! Hazard rules over a trace
