//! Following a name through the history of migrations.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use diagnostics::Source;
use engine::Names;
use engine::SymbolPart as Part;
use engine::symbols::{Kind, Place, Role};
use tower_lsp::ls_types::{
    DocumentHighlight, DocumentHighlightKind, Location, Position, SymbolInformation, SymbolKind, Uri,
};

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

/// What the history makes and calls by name, by a part of it: letters in their order, as people type them.
#[expect(deprecated, reason = "the field must be given")]
pub fn symbols(names: &Names, snapshot: &Snapshot, client: Abilities, query: &str) -> Vec<SymbolInformation> {
    let made = names.symbols.places.iter().filter(|place| place.role == Role::Define);
    let mut seen = HashSet::new();
    let wanted = made.filter(|place| {
        let thing = &names.symbols.things[place.thing];
        thing.written && seen.insert(place.thing) && is_like(&thing.name, query)
    });
    let mut sources = BTreeMap::new();
    let symbol = |place: &Place| {
        let thing = &names.symbols.things[place.thing];
        let location = location(names, snapshot, client, place, &mut sources)?;
        let container_name = thing.owner.map(|owner| names.symbols.things[owner].name.to_string());
        let (name, kind) = (thing.name.to_string(), kind(thing.kind));
        Some(SymbolInformation { name, kind, tags: None, deprecated: None, location, container_name })
    };
    wanted.filter_map(symbol).collect()
}

fn is_like(name: &str, query: &str) -> bool {
    let mut letters = name.chars().flat_map(char::to_lowercase);
    query.chars().flat_map(char::to_lowercase).all(|wanted| letters.any(|letter| letter == wanted))
}

fn kind(kind: Kind) -> SymbolKind {
    match kind {
        Kind::Table => SymbolKind::STRUCT,
        Kind::View => SymbolKind::INTERFACE,
        Kind::Sequence => SymbolKind::NUMBER,
        Kind::Index => SymbolKind::KEY,
        Kind::Type => SymbolKind::ENUM,
        Kind::Function => SymbolKind::FUNCTION,
        Kind::Part(Part::Column) => SymbolKind::FIELD,
        Kind::Part(Part::Constraint) => SymbolKind::PROPERTY,
        Kind::Part(Part::Trigger) => SymbolKind::EVENT,
        Kind::Part(Part::Policy | Part::Rule) => SymbolKind::OBJECT,
    }
}

fn thing_at(names: &Names, snapshot: &Snapshot, client: Abilities, position: Position) -> Option<usize> {
    let offset = client.encoding.offset(&Source::new(snapshot.document.text.clone()), position);
    let mut units = names.units.iter().enumerate().filter(|(_, unit)| unit.path == snapshot.document.path);
    let place = units.find_map(|(unit, _)| names.symbols.at(unit, offset))?;
    Some(place.thing)
}

/// In the order of the history, each place once.
fn locations(names: &Names, snapshot: &Snapshot, client: Abilities, places: &[&Place]) -> Vec<Location> {
    let mut sources = BTreeMap::new();
    let mut locations = Vec::new();
    for place in places {
        let location = location(names, snapshot, client, place, &mut sources);
        locations.extend(location.filter(|location| !locations.contains(location)));
    }
    locations
}

fn location<'a>(
    names: &'a Names,
    snapshot: &Snapshot,
    client: Abilities,
    place: &Place,
    sources: &mut BTreeMap<&'a Path, Source>,
) -> Option<Location> {
    let unit = &names.units[place.unit];
    let source = sources.entry(&unit.path).or_insert_with(|| Source::new(unit.text.clone()));
    let range = client.encoding.range(source, place.span.start, place.span.end);
    uri_of(snapshot, &unit.path).map(|uri| Location { uri, range })
}

/// As the client spells it, where it has the file open.
fn uri_of(snapshot: &Snapshot, path: &Path) -> Option<Uri> {
    match snapshot.open.get(path) {
        Some((uri, _)) => Some(uri.clone()),
        None => Uri::from_file_path(path),
    }
}
