//! Chosen operations of a trace to a plan of safe steps
