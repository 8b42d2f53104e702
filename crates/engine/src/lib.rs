//! The whole pipeline over an overlay of paths and texts
