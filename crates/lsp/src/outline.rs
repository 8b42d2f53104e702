//! What stands in a document: sections, statements, parts of statements.

use engine::Section;
use engine::outline::{Item, Shape, outline};
use tower_lsp::ls_types::{DocumentSymbol, Range, SymbolKind};

use crate::world::{Abilities, Judged};

/// Sections are told apart where the document has several.
pub fn symbols(judged: &Judged, client: Abilities) -> Vec<DocumentSymbol> {
    let mut sections = Vec::new();
    for section in judged.sections.iter() {
        let items = outline(judged.source.text(), &section.script);
        let (Some(first), Some(last)) = (items.first(), items.last()) else { continue };
        let range = client.encoding.range(&judged.source, first.span.start, last.span.end);
        let name = match section.section {
            Section::Up => "Up",
            Section::Down => "Down",
        };
        let children = items.iter().map(|item| symbol(judged, client, item)).collect();
        sections.push(named(name.to_owned(), None, SymbolKind::NAMESPACE, range, range, children));
    }
    sections.sort_by_key(|section| section.range.start);
    match sections.as_mut_slice() {
        [only] => only.children.take().unwrap_or_default(),
        _ => sections,
    }
}

fn symbol(judged: &Judged, client: Abilities, item: &Item) -> DocumentSymbol {
    let range = |span: engine::Span| client.encoding.range(&judged.source, span.start, span.end);
    let kind = match item.shape {
        Shape::Table => SymbolKind::STRUCT,
        Shape::View => SymbolKind::INTERFACE,
        Shape::Sequence => SymbolKind::NUMBER,
        Shape::Index => SymbolKind::KEY,
        Shape::Type => SymbolKind::ENUM,
        Shape::Function => SymbolKind::FUNCTION,
        Shape::Trigger => SymbolKind::EVENT,
        Shape::Column => SymbolKind::FIELD,
        Shape::Constraint => SymbolKind::PROPERTY,
        Shape::Data => SymbolKind::ARRAY,
        Shape::Other => SymbolKind::OBJECT,
        Shape::Broken => SymbolKind::NULL,
    };
    let children = item.children.iter().map(|part| symbol(judged, client, part)).collect();
    // A symbol without name is refused by some editors.
    let name = if item.name.is_empty() { "?".to_owned() } else { item.name.clone() };
    named(name, item.detail.clone(), kind, range(item.span), range(item.selection), children)
}

#[expect(deprecated, reason = "the field must be given")]
fn named(
    name: String,
    detail: Option<String>,
    kind: SymbolKind,
    range: Range,
    selection_range: Range,
    children: Vec<DocumentSymbol>,
) -> DocumentSymbol {
    let children = (!children.is_empty()).then_some(children);
    DocumentSymbol { name, detail, kind, tags: None, deprecated: None, range, selection_range, children }
}
