//! Names and versions for new files, and room for them.

use std::path::{Path, PathBuf};

use crate::emit::{Job, Piece};
use crate::files::Files;
use crate::load::History;
use crate::migration::{Key, Migration};

/// A file for a group of pieces.
pub(super) struct Target {
    pub path: PathBuf,
    pub version: String,
}

pub(super) type Moves = Vec<(PathBuf, PathBuf)>;

/// The files of the steps, and later files that must make room: from where to where.
pub(super) fn targets(job: &Job, groups: &[&[Piece]]) -> Result<(Vec<Target>, Moves), String> {
    let Job { files, history, migration, writer, options, .. } = *job;
    let mut targets = vec![Target { path: migration.path.clone(), version: migration.version.clone() }];
    let count = groups.len() - 1;
    if count == 0 {
        return Ok((targets, Vec::new()));
    }
    let name = |index: usize| {
        let title = groups[index].first().map_or("", |piece| piece.title.as_str());
        let joined = [migration.name.as_str(), &format!("step{}", index + 1), title];
        joined.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
    };
    let later: Vec<&Migration> = history
        .migrations
        .iter()
        .filter(|other| other.key > migration.key && same_kind(&other.key, &migration.key))
        .collect();
    let key_of = |path: &Path| (migration.tool.place)(path, &history.settings).map(|place| place.key);
    let paths = |versions: &[String]| -> Option<Vec<PathBuf>> {
        versions.iter().enumerate().map(|(at, version)| (writer.path)(migration, version, &name(at + 1))).collect()
    };
    // Between the migration and the next one, and sorted there by the tool's own order.
    let sorted = |paths: &[PathBuf], before: Option<&Key>| {
        let keys: Option<Vec<Key>> = paths.iter().map(|path| key_of(path)).collect();
        keys.is_some_and(|keys| {
            keys.iter().all(|key| *key > migration.key && before.is_none_or(|before| key < before))
                && keys.windows(2).all(|pair| pair[0] < pair[1])
                && paths.iter().all(|path| !files.is_file(path))
        })
    };
    let next = later.first();
    let fitting = (writer.versions)(&migration.version, count, next.map(|next| next.version.as_str()));
    if let Some(versions) = fitting
        && let Some(paths) = paths(&versions)
        && sorted(&paths, next.map(|next| &next.key))
    {
        targets.extend(paths.into_iter().zip(versions).map(|(path, version)| Target { path, version }));
        return Ok((targets, Vec::new()));
    }

    let no_room = || {
        let between = next.map_or_else(String::new, |next| format!(" before {}", files.display(&next.path)));
        format!("there is no version for {count} more files{between}")
    };
    let versions = (writer.versions)(&migration.version, count, None).ok_or_else(no_room)?;
    let paths = paths(&versions).ok_or_else(no_room)?;
    if !sorted(&paths, None) {
        return Err(no_room());
    }
    let mut moves = Vec::new();
    let mut last = versions.last().cloned().unwrap_or_default();
    let mut last_key = paths.last().and_then(|path| key_of(path)).ok_or_else(no_room)?;
    for other in &later {
        if other.key > last_key {
            break;
        }
        if other.pending != Some(true) && !options.all_files {
            return Err(format!("{}, and {} may be applied already", no_room(), files.display(&other.path)));
        }
        last =
            (writer.versions)(&last, 1, None).and_then(|versions| versions.into_iter().next()).ok_or_else(no_room)?;
        for from in belongings(files, history, other) {
            let to = renamed(&history.root, &from, &other.version, &last).ok_or_else(no_room)?;
            if files.is_file(&to) {
                return Err(no_room());
            }
            last_key = key_of(&to).unwrap_or(last_key);
            moves.push((from, to));
        }
    }
    targets.extend(paths.into_iter().zip(versions).map(|(path, version)| Target { path, version }));
    Ok((targets, moves))
}

fn same_kind(a: &Key, b: &Key) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// The files of a migration; everything in its directory when it has one to itself.
fn belongings(files: &Files, history: &History, migration: &Migration) -> Vec<PathBuf> {
    match migration.path.parent() {
        Some(directory) if migration.tool.directories && directory != history.root => files.list(directory).0,
        _ => {
            let companions = migration.companions.iter().map(|companion| companion.path.clone());
            std::iter::once(migration.path.clone()).chain(companions).collect()
        }
    }
}

/// The path with another version in the first name below the root that holds the old one.
fn renamed(root: &Path, path: &Path, old: &str, new: &str) -> Option<PathBuf> {
    let mut found = false;
    let mut renamed = root.to_owned();
    for component in path.strip_prefix(root).ok()? {
        let name = component.to_str()?;
        match name.find(old).filter(|_| !found && !old.is_empty()) {
            Some(at) => {
                found = true;
                renamed.push(format!("{}{new}{}", &name[..at], &name[at + old.len()..]));
            }
            None => renamed.push(name),
        }
    }
    found.then_some(renamed)
}
