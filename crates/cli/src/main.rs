//! The command `safestep`.

fn main() {}
