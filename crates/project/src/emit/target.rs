//! Names and versions for new files, and room for them.

use std::collections::{BTreeMap, BTreeSet};
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

/// From where to where.
pub type Moves = Vec<(PathBuf, PathBuf)>;

/// The files of the steps, and later files that must make room: from where to where.
pub(super) fn targets(job: &Job, groups: &[&[Piece]]) -> Result<(Vec<Target>, Moves), String> {
    let Job { files, history, migration, writer, options, .. } = *job;
    let mut targets = vec![Target { path: migration.path.clone(), version: migration.version.clone() }];
    let count = groups.len() - 1;
    if count == 0 {
        return Ok((targets, Vec::new()));
    }
    // Of one version, steps are sorted by their names.
    let name = |index: usize, width: usize| {
        let title = groups[index].first().map_or("", |piece| piece.title.as_str());
        let joined = [migration.name.as_str(), &format!("step{:0width$}", index + 1), title];
        joined.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
    };
    let key_of = |path: &Path| (migration.tool.place)(path, &history.settings).map(|place| place.key);
    let paths = |versions: &[String], width: usize| -> Option<Vec<PathBuf>> {
        let path = |(at, version): (usize, &String)| (writer.path)(migration, version, &name(at + 1, width));
        versions.iter().enumerate().map(path).collect()
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
    let next = history.migrations.iter().find(|it| it.key > migration.key && same_kind(&it.key, &migration.key));
    let fitting = (writer.versions)(&migration.version, count, next.map(|next| next.version.as_str()));
    let same = (!migration.tool.unique_version).then(|| vec![migration.version.clone(); count]);
    let width = groups.len().to_string().len();
    for (versions, width) in fitting.map(|it| (it, 0)).into_iter().chain(same.map(|it| (it, width))) {
        if let Some(paths) = paths(&versions, width)
            && sorted(&paths, next.map(|next| &next.key))
        {
            targets.extend(paths.into_iter().zip(versions).map(|(path, version)| Target { path, version }));
            return Ok((targets, Vec::new()));
        }
    }

    let extra = BTreeMap::from([(migration.path.clone(), count)]);
    let moves = make_room(files, history, &extra, options.all_files).map_err(|(_, reason)| reason)?;
    let no_room = || format!("there is no version for {}", more(count));
    let versions = (writer.versions)(&migration.version, count, None).ok_or_else(no_room)?;
    let paths = paths(&versions, 0).ok_or_else(no_room)?;
    if !sorted(&paths, None) {
        return Err(no_room());
    }
    targets.extend(paths.into_iter().zip(versions).map(|(path, version)| Target { path, version }));
    Ok((targets, moves))
}

/// The moves of later files that leave room for so many more files behind the migrations at these paths: none that is not
/// needed. Fails with the path whose files have no room, and a sentence.
pub fn make_room(
    files: &Files,
    history: &History,
    extra: &BTreeMap<PathBuf, usize>,
    all_files: bool,
) -> Result<Moves, (PathBuf, String)> {
    let mut moves = Moves::new();
    let Some(writer) = &history.tool.writer else { return Ok(moves) };
    let key_of = |path: &Path| (history.tool.place)(path, &history.settings).map(|place| place.key);
    // The last file of what stands before, where that is more than it was: its key and version, and who asked for it.
    let mut last: Option<(Key, String, PathBuf, usize)> = None;
    let migrations = &history.migrations;
    // Nothing moves before the first that asks. Names are compared as bytes, as there may be many.
    let asks = |it: &Migration| extra.keys().any(|path| path.as_os_str() == it.path.as_os_str());
    let first = if extra.len() == 1 { migrations.iter().position(asks).unwrap_or_default() } else { 0 };
    for (at, migration) in migrations.iter().enumerate().skip(first) {
        let (mut version, mut path) = (migration.version.clone(), migration.path.clone());
        let mut asked = None;
        if let Some((key, before, asker, count)) = last.take()
            && same_kind(&key, &migration.key)
            && (migration.key <= key || version == before)
        {
            let no_room = || (asker.clone(), no_room(files, count, Some(migration)));
            if migration.pending != Some(true) && !all_files {
                let (asker, reason) = no_room();
                return Err((
                    asker,
                    format!("{reason}, which may be applied already; --all-files moves that all the same"),
                ));
            }
            let next = (writer.versions)(&before, 1, None).and_then(|versions| versions.into_iter().next());
            version = next.ok_or_else(no_room)?;
            for from in belongings(files, history, migration) {
                let to = renamed(&history.root, &from, &migration.version, &version).ok_or_else(no_room)?;
                if from == migration.path {
                    path.clone_from(&to);
                }
                moves.push((from, to));
            }
            asked = Some((asker, count));
        }
        let count = extra.get(&migration.path).copied().unwrap_or_default();
        if count > 0 {
            let next = migrations[at + 1..].iter().find(|it| same_kind(&it.key, &migration.key));
            let no_room = || (migration.path.clone(), no_room(files, count, next));
            let versions = (writer.versions)(&version, count, next.map(|next| next.version.as_str()))
                .or_else(|| (writer.versions)(&version, count, None))
                .ok_or_else(no_room)?;
            let end = versions.last().ok_or_else(no_room)?;
            version.clone_from(end);
            let beside = Migration { path, ..migration.clone() };
            path = (writer.path)(&beside, end, &migration.name).ok_or_else(no_room)?;
            asked = Some((migration.path.clone(), count));
        }
        if let Some((asker, count)) = asked {
            let key = key_of(&path).ok_or_else(|| (asker.clone(), no_room(files, count, None)))?;
            last = Some((key, version, asker, count));
        }
    }
    let gone: BTreeSet<&PathBuf> = moves.iter().map(|(from, _)| from).collect();
    if let Some((_, taken)) = moves.iter().find(|(_, to)| files.is_file(to) && !gone.contains(to)) {
        let asker = extra.keys().next().cloned().unwrap_or_default();
        return Err((asker, format!("later files would have to make room, and {} is taken", files.display(taken))));
    }
    Ok(moves)
}

fn no_room(files: &Files, count: usize, next: Option<&Migration>) -> String {
    let before = next.map_or_else(String::new, |next| format!(" before {}", files.display(&next.path)));
    format!("there is no version for {}{before}", more(count))
}

fn more(count: usize) -> String {
    if count == 1 { "1 more file".to_owned() } else { format!("{count} more files") }
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
