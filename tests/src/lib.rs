//! Support for the workspace tests: real servers, fixtures, the built binary.
