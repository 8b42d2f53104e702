//! Following a name through the history of migrations.

use std::collections::BTreeMap;
use std::path::Path;

use diagnostics::Source;
use engine::Names;
use engine::symbols::{Place, Role};
use tower_lsp::ls_types::{DocumentHighlight, DocumentHighlightKind, Location, Position, Uri};

use crate::world::{Abilities, Snapshot};

/// Where the thing at a position is made: its definitions, else where it got its name, else where the table of a column is
/// made.
pub fn definition(names: &Names, snapshot: &Snapshot, client: Abilities, position: Position) -> Vec<Location> {
    let mut thing = thing_at(names, snapshot, client, position);
    while let Some(at) = thing {
        for role in [Role::Define, Role::Rename] {
            let places: Vec<&Place> = names.symbols.places_of(at).filter(|place| place.role == role).collect();
            if !places.is_empty() {
                return locations(names, snapshot, client, &places);
            }
        }
        thing = names.symbols.things[at].owner;
    }
    Vec::new()
}

/// Every place that names the thing at a position, under any of its names.
pub fn references(
    names: &Names,
    snapshot: &Snapshot,
    client: Abilities,
    position: Position,
    with_definitions: bool,
) -> Vec<Location> {
    let Some(thing) = thing_at(names, snapshot, client, position) else { return Vec::new() };
    let places = names.symbols.places_of(thing).filter(|place| with_definitions || place.role != Role::Define);
    locations(names, snapshot, client, &places.collect::<Vec<_>>())
}

/// The places in the document itself.
pub fn highlights(names: &Names, snapshot: &Snapshot, client: Abilities, position: Position) -> Vec<DocumentHighlight> {
    let Some(thing) = thing_at(names, snapshot, client, position) else { return Vec::new() };
    let source = Source::new(snapshot.document.text.clone());
    let here = names.symbols.places_of(thing).filter(|it| names.units[it.unit].path == snapshot.document.path);
    let mut highlights: Vec<DocumentHighlight> = here
        .map(|place| DocumentHighlight {
            range: client.encoding.range(&source, place.span.start, place.span.end),
            kind: Some(match place.role {
                Role::Use => DocumentHighlightKind::READ,
                Role::Define | Role::Drop | Role::Rename => DocumentHighlightKind::WRITE,
            }),
        })
        .collect();
    highlights.sort_by_key(|highlight| highlight.range.start);
    highlights.dedup();
    highlights
}

fn thing_at(names: &Names, snapshot: &Snapshot, client: Abilities, position: Position) -> Option<usize> {
    let offset = client.encoding.offset(&Source::new(snapshot.document.text.clone()), position);
    let mut units = names.units.iter().enumerate().filter(|(_, unit)| unit.path == snapshot.document.path);
    let place = units.find_map(|(unit, _)| names.symbols.at(unit, offset))?;
    Some(place.thing)
}

/// In the order of the history, each place once.
fn locations(names: &Names, snapshot: &Snapshot, client: Abilities, places: &[&Place]) -> Vec<Location> {
    let mut sources: BTreeMap<&Path, Source> = BTreeMap::new();
    let mut locations = Vec::new();
    for place in places {
        let unit = &names.units[place.unit];
        let source = sources.entry(&unit.path).or_insert_with(|| Source::new(unit.text.clone()));
        let range = client.encoding.range(source, place.span.start, place.span.end);
        let location = uri_of(snapshot, &unit.path).map(|uri| Location { uri, range });
        locations.extend(location.filter(|location| !locations.contains(location)));
    }
    locations
}

/// As the client spells it, where it has the file open.
fn uri_of(snapshot: &Snapshot, path: &Path) -> Option<Uri> {
    match snapshot.open.get(path) {
        Some((uri, _)) => Some(uri.clone()),
        None => Uri::from_file_path(path),
    }
}
