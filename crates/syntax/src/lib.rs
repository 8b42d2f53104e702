//! SQL text to a script of typed statements with spans
