//! The language server
