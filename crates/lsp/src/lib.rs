//! The language server.

/// Serves until the client says exit.
pub fn serve() {}
