//! Writes the history that the benchmarks judge: `generate DIRECTORY FILES BYTES`, for `tests/pair-with-squawk.sh`.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use safestep_tests::generated;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, files, bytes] = &arguments[..] else { panic!("generate DIRECTORY FILES BYTES") };
    let (many, one) = (Path::new(directory).join("many/migrations"), Path::new(directory).join("one/migrations"));
    std::fs::create_dir_all(&many).unwrap();
    std::fs::create_dir_all(&one).unwrap();
    for (name, text) in generated::history(files.parse().unwrap()) {
        std::fs::write(many.join(name), text).unwrap();
    }
    let text = format!("-- +goose Up\n{}", generated::large(bytes.parse().unwrap()));
    std::fs::write(one.join("00001_seed.sql"), text).unwrap();
}
