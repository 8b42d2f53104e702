//! R-CPART: CREATE TABLE ... PARTITION OF takes ACCESS EXCLUSIVE on the parent; CREATE TABLE (LIKE parent) and ATTACH
//! PARTITION take SHARE UPDATE EXCLUSIVE, and the new table is empty, so nothing has to be checked.

use model::plan::Mode;
use model::schema::RelationKind;
use syntax::Span;
use syntax::ast::{PartitionBound, StatementKind};
use syntax::lex::{self, Token, TokenKind};

use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite, Role};
use crate::edit;
use crate::titles;

/// What a partition gets from its parent when it is created (transformCreateStmt and MergeAttributes) and LIKE copies only
/// when asked. Identity must stay out: ATTACH gives it, and from 17 on refuses a table that has its own.
const LIKE: &str = "INCLUDING COMPRESSION INCLUDING CONSTRAINTS INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING INDEXES INCLUDING STORAGE";

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    let StatementKind::CreateTable(it) = site.kind else {
        return Err("the statement is not a CREATE TABLE".to_owned());
    };
    let (Some(bound), [parent]) = (&it.partition_of, it.inherits.as_slice()) else {
        return Err("the statement is not a CREATE TABLE ... PARTITION OF".to_owned());
    };
    let written = site.written(parent);
    let known = site
        .operation
        .effects
        .iter()
        .find_map(|effect| site.before.relations.get(&effect.relation).filter(|it| *it.name.name == *parent.name));
    let Some(known) = known.filter(|it| !it.open && !it.maybe && it.kind == RelationKind::PartitionedTable) else {
        return Err(format!("what a partition gets from {written} is not known"));
    };
    if it.if_not_exists {
        return Err(
            "ATTACH PARTITION, which would not block the parent, knows no IF NOT EXISTS; leave that out".to_owned()
        );
    }
    if !it.columns.is_empty() || !it.constraints.is_empty() {
        return Err("the partition has columns or constraints of its own; create it as a table, and attach it by hand"
            .to_owned());
    }
    if known.tablespace.is_some() || known.access_method.is_some() {
        return Err(format!("the partition gets its tablespace or access method from {written}"));
    }
    let has_default = known.children.iter().any(|child| {
        site.before
            .relations
            .get(child)
            .is_none_or(|child| child.partition_of.as_ref().is_none_or(|(_, bound)| *bound == PartitionBound::Default))
    });
    if has_default && *bound != PartitionBound::Default {
        return Err(format!(
            "{written} has a default partition, which must be read under a lock that blocks reads and writes"
        ));
    }
    let clauses = clauses(site.text, parent.span)
        .ok_or("the statement is written in a way that is not understood; change it by hand")?;
    let create = format!("{}({} {written} {}){}", clauses.head, site.word("LIKE"), site.word(LIKE), clauses.tail,);
    let name = site.written(&it.name);
    let attach =
        format!("{} {written} {} {name} {};", site.word("ALTER TABLE"), site.word("ATTACH PARTITION"), clauses.bound);
    let drop = format!("{} {name};", site.word("DROP TABLE"));
    let steps = vec![
        Draft::new(Mode::Tx, edit::terminated(create), titles::slug("create", &it.name.name)).undone_by(Mode::Tx, drop),
        // Undone with the table.
        Draft::new(Mode::Tx, attach, titles::slug("attach", &it.name.name)).role(Role::Joined),
    ];
    Ok(Rewrite::safe(Place::Statement, steps))
}

struct Clauses<'a> {
    /// Up to PARTITION OF.
    head: &'a str,
    /// `FOR VALUES ...` or `DEFAULT`.
    bound: &'a str,
    /// PARTITION BY, WITH, TABLESPACE, ... with the space before.
    tail: &'a str,
}

fn clauses(text: &str, parent: Span) -> Option<Clauses<'_>> {
    let tokens: Vec<Token> = lex::tokens(text).into_iter().filter(|token| !token.is_comment()).collect();
    let partition = tokens.iter().position(|it| it.is(text, "PARTITION"))?;
    let start = tokens.iter().position(|it| it.span.start >= parent.end)?;
    let end = if tokens[start].is(text, "DEFAULT") {
        start
    } else {
        if !tokens[start].is(text, "FOR") || !tokens.get(start + 1)?.is(text, "VALUES") {
            return None;
        }
        let first = group_end(&tokens, start + 3)?;
        match tokens.get(first + 1) {
            Some(token) if token.is(text, "TO") => group_end(&tokens, first + 2)?,
            _ => first,
        }
    };
    Some(Clauses {
        head: &text[..tokens[partition].span.start as usize],
        bound: Span { start: tokens[start].span.start, end: tokens[end].span.end }.slice(text),
        tail: &text[tokens[end].span.end as usize..],
    })
}

/// The index of the parenthesis that closes the one at `open`.
fn group_end(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            TokenKind::LeftParen => depth += 1,
            TokenKind::RightParen => depth = depth.checked_sub(1)?,
            _ if depth == 0 => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(index);
        }
    }
    None
}
