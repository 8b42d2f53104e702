//! R-BF and R-DEL: UPDATE and DELETE in batches along the primary key, each committed by itself.
//!
//! The block may be run again after an interruption: rows that are done no longer match its condition. The end of the loop
//! depends neither on locks that others hold nor on what they write: it has gone through all rows that were there at its
//! start, and what comes in meanwhile gets at most as many batches as those. Nothing checks at the end that no row matches,
//! because the statement does not either, and somebody who keeps writing such rows could make that fail for ever. What the
//! block would do differently from the statement is refused: values that depend on other rows, on themselves or on the batch.

use model::name::QName;
use model::plan::{Class, Inverse, Mode};
use model::schema::{Constraint, ConstraintKind, Relation, RelationKind, Schema, Trigger};
use model::volatility::is_volatile;
use syntax::Span;
use syntax::ast::{ColumnDef, Delete, Expr, Name, Query, RelationRef, StatementKind, Update, Volatility};
use syntax::lex::{self, Token, TokenKind};

use super::comparison::{self, Comparison};
use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite};
use crate::{edit, titles};

const INSIDE: &str = "rows that another statement changes on its way are not cut into batches; change one range of the primary key after the other by hand, each in a transaction of its own";

pub(crate) fn update(site: &Site) -> Result<Rewrite, String> {
    let StatementKind::Update(it) = site.kind else {
        return Err(INSIDE.to_owned());
    };
    large(site)?;
    if it.has_from {
        return Err("its rows depend on other tables; change one range of the primary key after the other by hand, each in a transaction of its own".to_owned());
    }
    let table = target(site, &it.facts, &it.target)?;
    no_statement_triggers(table, |trigger| trigger.update)?;
    let written: Vec<&str> = it.assignments.iter().map(|it| it.column.as_str()).collect();
    if let Some(constraint) = table.constraints.iter().find(|it| it.deferrable && is_key_of(it, &written)) {
        return Err(format!(
            "constraint {} is checked when all rows are changed, and a batch alone may break it; change the rows in an order that never does, by hand",
            constraint.name
        ));
    }
    let keys = primary_key(table)?;
    if it.assignments.iter().any(|it| keys.contains(&syntax::quote_ident(&it.column))) {
        return Err(
            "it changes the primary key, along which its batches would go; change one range after the other by hand"
                .to_owned(),
        );
    }
    let from = target_text(site, "UPDATE", "SET")
        .ok_or("the statement is written in a way that is not understood; change it by hand")?;
    let now = Now::of(site);
    let (condition, skips) = condition(site, table, it, &now)?;
    let assignments = match (it.assignments.first(), it.assignments.last()) {
        (Some(first), Some(last)) => now.replaced(site, first.span.to(last.span)),
        _ => return Err("the statement is written in a way that is not understood; change it by hand".to_owned()),
    };
    let column = it.assignments.first().map_or("", |it| &it.column);
    let batch = Batch {
        table: site.table(),
        keys,
        qualifier: qualifier(&it.target),
        change: format!("UPDATE {from} SET {assignments}"),
        from: &from,
        condition,
        now: now.used,
    };
    let step = step(site, &batch, titles::slug("backfill", &format!("{}_{column}", table.name.name)))?;
    let mut rewrite = rewritten(site, &batch, step);
    if skips && (site.is_open() || fired(site.before, table, &written).is_some()) {
        let triggers = if site.is_open() { "triggers that it may have for UPDATE" } else { "its triggers for UPDATE" };
        rewrite.assumptions.push(format!(
            "Rows of {} that already hold the new values are left alone, and {triggers} do not run for them.",
            batch.table
        ));
    }
    Ok(rewrite)
}

/// A trigger that an UPDATE of those columns fires for each row, of the table or of one below it.
fn fired<'a>(schema: &'a Schema, table: &'a Relation, columns: &[&str]) -> Option<&'a Trigger> {
    let fires = |it: &&Trigger| {
        let of = &it.update_of;
        it.enabled && it.update && it.row && (of.is_empty() || of.iter().any(|it| columns.contains(&&**it)))
    };
    let below = || table.children.iter().filter_map(|child| schema.relations.get(child));
    table.triggers.iter().find(fires).or_else(|| below().find_map(|child| fired(schema, child, columns)))
}

pub(crate) fn delete(site: &Site) -> Result<Rewrite, String> {
    let StatementKind::Delete(it) = site.kind else {
        return Err(INSIDE.to_owned());
    };
    large(site)?;
    if it.has_using {
        return Err("its rows depend on other tables; change one range of the primary key after the other by hand, each in a transaction of its own".to_owned());
    }
    let table = target(site, &it.facts, &it.target)?;
    no_statement_triggers(table, |trigger| trigger.delete)?;
    let keeps = |key: &Constraint| matches!(key.kind, ConstraintKind::ForeignKey { on_delete: 'a' | 'r', .. });
    let own = |(child, key): &(QName, Constraint)| *child == table.name && keeps(key);
    if let Some((_, key)) = site.before.foreign_keys_over(&table.name).into_iter().find(own) {
        return Err(format!(
            "rows of {} refer to each other by {}, and a batch may delete one without those that refer to it; delete those first, range after range, by hand",
            table.name, key.name
        ));
    }
    let from = target_text(site, "FROM", "WHERE")
        .ok_or("the statement is written in a way that is not understood; change it by hand")?;
    let now = Now::of(site);
    let batch = Batch {
        table: site.table(),
        keys: primary_key(table)?,
        qualifier: qualifier(&it.target),
        change: format!("DELETE FROM {from}"),
        from: &from,
        condition: deleted(site, it, &now)?,
        now: now.used,
    };
    let step = step(site, &batch, titles::slug("delete_from", &table.name.name))?;
    Ok(rewritten(site, &batch, step))
}

/// Fills a column that was added without its default.
pub(super) fn new_column(site: &Site, table: &QName, column: &ColumnDef) -> Result<Draft, String> {
    let known = site.relation().ok_or_else(|| unknown_key(&table.to_string()))?;
    no_statement_triggers(known, |trigger| trigger.update)?;
    if let Some(trigger) = fired(site.before, known, &[&column.name.text]) {
        return Err(format!(
            "adding the column fires no trigger, but filling its rows would fire {}; add the column without what rewrites the table, let the trigger leave rows alone of which only {} changes, and fill them in batches by hand",
            trigger.name, column.name.text
        ));
    }
    if let Some(rule) = known.rules.iter().find(|it| it.event == "update") {
        return Err(format!(
            "adding the column follows no rule, but filling its rows would follow rule {}; add the column without what rewrites the table, and fill its rows by hand where the rule leaves them",
            rule.name
        ));
    }
    let from = site.table();
    let name = site.slice(column.name.span);
    let batch = Batch {
        table: from.clone(),
        keys: primary_key(known)?,
        qualifier: syntax::quote_ident(&table.name),
        change: format!("UPDATE {from} SET {name} = DEFAULT"),
        from: &from,
        condition: format!("{name} IS NULL"),
        now: false,
    };
    step(site, &batch, titles::slug("backfill", &format!("{}_{}", table.name, column.name.text)))
}

/// A few rows of a table that nobody uses yet need no batches.
fn large(site: &Site) -> Result<(), String> {
    let busy = site.operation.effects.iter().any(|it| site.is_old(it.born) && !it.empty);
    if busy { Ok(()) } else { Err("nobody else uses the table yet".to_owned()) }
}

fn target<'a>(site: &Site<'a>, facts: &Query, target: &RelationRef) -> Result<&'a Relation, String> {
    let table = site.relation().ok_or_else(|| unknown_key(&site.table()))?;
    if !matches!(table.kind, RelationKind::Table | RelationKind::PartitionedTable) {
        return Err(format!("{} is not a table", table.name));
    }
    if !facts.writes.is_empty() || facts.reads.iter().any(|read| read.relation != *target) {
        return Err("its rows depend on other queries; change one range of the primary key after the other by hand, each in a transaction of its own".to_owned());
    }
    if let Some(function) = facts.functions.iter().find(|it| may_read(site.before, it)) {
        return Err(format!(
            "function {} may read rows that an earlier batch has changed; if it does not, declare it IMMUTABLE, else change one range of the primary key after the other by hand",
            function.name
        ));
    }
    Ok(table)
}

/// A function of the schema that is not known to depend on nothing but its arguments.
fn may_read(schema: &Schema, function: &Name) -> bool {
    let named = |name: &QName| *name.name == *function.name;
    let known = schema.functions.iter().filter(|(name, _)| named(name)).flat_map(|(_, all)| all.iter());
    known.into_iter().any(|it| it.volatility != Volatility::Immutable)
}

/// A unique, primary or exclusion key over one of the columns.
fn is_key_of(constraint: &Constraint, columns: &[&str]) -> bool {
    match &constraint.kind {
        ConstraintKind::Unique { columns: key }
        | ConstraintKind::PrimaryKey { columns: key }
        | ConstraintKind::Exclude { columns: key, .. } => key.iter().any(|it| columns.contains(&&**it)),
        _ => false,
    }
}

fn no_statement_triggers(table: &Relation, fires: fn(&Trigger) -> bool) -> Result<(), String> {
    let mut enabled = table.triggers.iter().filter(|it| it.enabled && fires(it));
    match enabled.find(|it| !it.row || it.constraint) {
        Some(trigger) if trigger.constraint => Err(format!(
            "constraint trigger {} would fire before all rows are changed; see whether it may, and change the rows in batches by hand",
            trigger.name
        )),
        Some(trigger) => Err(format!(
            "trigger {} would fire for every batch instead of once; see whether it may, and change the rows in batches by hand",
            trigger.name
        )),
        None => Ok(()),
    }
}

fn primary_key(table: &Relation) -> Result<Vec<String>, String> {
    let key = table.constraints.iter().find_map(|it| match &it.kind {
        ConstraintKind::PrimaryKey { columns } => Some(columns),
        _ => None,
    });
    let Some(columns) = key else {
        return Err(if table.open {
            unknown_key(&table.name.to_string())
        } else {
            format!("batches need a primary key, which {} has not; go along another key by hand", table.name)
        });
    };
    Ok(columns.iter().map(|column| syntax::quote_ident(column)).collect())
}

fn unknown_key(table: &str) -> String {
    format!(
        "batches need the primary key of {table}, and no migration that was read tells it; go along it by hand, each batch in a transaction of its own"
    )
}

fn qualifier(target: &RelationRef) -> String {
    syntax::quote_ident(target.alias.as_deref().unwrap_or(&target.name.name))
}

/// The rows that the UPDATE still has to change, and whether it would also have touched others.
fn condition(site: &Site, table: &Relation, it: &Update, now: &Now) -> Result<(String, bool), String> {
    let path = &site.request.session.search_path;
    let given = it.filter.as_ref().map(|filter| now.replaced(site, filter.span));
    if it.filter.as_ref().is_some_and(|filter| is_volatile(&filter.expr, site.before, path)) {
        return Err("its condition holds for other rows from one moment to the next; write down the value that it compares with".to_owned());
    }
    if let Some(first) = it.assignments.first()
        && it
            .assignments
            .iter()
            .all(|it| it.value.as_ref().is_some_and(|to| comparison::is_itself(&to.expr, &it.column)))
    {
        return Err(format!(
            "it sets {} to what it is, for the triggers of {}, and no row tells whether that was done; change one range of the primary key after the other by hand, each in a transaction of its own",
            first.column, table.name
        ));
    }
    let assigned: Vec<&str> = it.assignments.iter().map(|it| it.column.as_str()).collect();
    let mut open = Vec::new();
    let mut comparable = true;
    for assignment in &it.assignments {
        let value = assignment.value.as_ref().ok_or("it assigns several columns at once; assign each by itself")?;
        let volatile = is_volatile(&value.expr, site.before, path);
        let written = now.replaced(site, value.span);
        let qualifier = qualifier(&it.target);
        match comparison::of(table, &qualifier, &assignment.column, &assigned, &value.expr, volatile, &written)? {
            Comparison::Sql(sql) => open.push(sql),
            Comparison::Impossible => comparable = false,
        }
    }
    let filter = it.filter.as_ref().map(|filter| &filter.expr);
    // A row is done when it no longer matches the statement's own condition.
    let leaves = it.assignments.iter().any(|assignment| {
        let never_null = assignment.value.as_ref().is_some_and(|value| comparison::is_never_null(&value.expr));
        never_null && filter.is_some_and(|filter| requires_null(filter, &assignment.column))
    });
    if comparable {
        let open = if open.len() == 1 { open.remove(0) } else { format!("({})", open.join(" OR ")) };
        return Ok((given.map_or_else(|| open.clone(), |given| format!("({given}) AND {open}")), !leaves));
    }
    match given {
        Some(given) if leaves => Ok((given, false)),
        _ => Err(
            "a batch that is run again would change rows that are done; let the statement name only rows that are not"
                .to_owned(),
        ),
    }
}

/// `column IS NULL`, alone or in an AND.
fn requires_null(filter: &Expr, column: &str) -> bool {
    match filter {
        Expr::IsNull { operand, negated: false } => {
            matches!(&**operand, Expr::Column(parts) if parts.last().is_some_and(|it| it == column))
        }
        Expr::And(parts) => parts.iter().any(|part| requires_null(part, column)),
        _ => false,
    }
}

fn deleted(site: &Site, it: &Delete, now: &Now) -> Result<String, String> {
    let Some(filter) = &it.filter else { return Ok("true".to_owned()) };
    if is_volatile(&filter.expr, site.before, &site.request.session.search_path) {
        return Err("its condition holds for other rows from one moment to the next; write down the value that it compares with".to_owned());
    }
    Ok(now.replaced(site, filter.span))
}

/// The table with ONLY and alias, which stands between two words. WITH and RETURNING are not understood.
fn target_text(site: &Site, after: &str, before: &str) -> Option<String> {
    let text = site.text;
    let tokens: Vec<Token> = lex::tokens(text).into_iter().filter(|token| !token.is_comment()).collect();
    let mut depth = 0_usize;
    let (mut start, mut end) = (None, None);
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::LeftParen => depth += 1,
            TokenKind::RightParen => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            _ if token.is(text, "RETURNING") || (index == 0 && token.is(text, "WITH")) => return None,
            _ if start.is_none() && token.is(text, after) => start = Some(token.span.end),
            _ if start.is_some() && end.is_none() && token.is(text, before) => end = Some(token.span.start),
            _ => {}
        }
    }
    let last = tokens.last()?.span.end;
    let target = edit::on_one_line(Span { start: start?, end: end.unwrap_or(last) }.slice(text));
    (!target.is_empty()).then_some(target)
}

/// `now()` is one moment for the whole statement, and must be so for all batches.
struct Now {
    spans: Vec<Span>,
    used: bool,
}

impl Now {
    fn of(site: &Site) -> Self {
        let text = site.text;
        let tokens = lex::tokens(text);
        let mut spans = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            let qualified = index > 0 && tokens[index - 1].kind == TokenKind::Dot;
            let kind = |offset: usize| tokens.get(index + offset).map(|token| token.kind);
            if qualified {
                continue;
            }
            if (token.is(text, "now") || token.is(text, "transaction_timestamp"))
                && kind(1) == Some(TokenKind::LeftParen)
                && kind(2) == Some(TokenKind::RightParen)
            {
                spans.push(token.span.to(tokens[index + 2].span));
            } else if token.is(text, "current_timestamp") && kind(1) != Some(TokenKind::LeftParen) {
                spans.push(token.span);
            }
        }
        Self { used: !spans.is_empty(), spans }
    }

    fn replaced(&self, site: &Site, span: Span) -> String {
        let edits: Vec<edit::Edit> =
            self.spans.iter().map(|span| edit::Edit { span: *span, text: "safestep_now".to_owned() }).collect();
        edit::on_one_line(&edit::apply(site.text, span, &edits))
    }
}

struct Batch<'a> {
    /// As written, without ONLY and alias.
    table: String,
    /// Quoted columns of the primary key.
    keys: Vec<String>,
    /// As it stands in FROM.
    from: &'a str,
    qualifier: String,
    /// The statement without its condition.
    change: String,
    condition: String,
    now: bool,
}

fn rewritten(site: &Site, batch: &Batch, step: Draft) -> Rewrite {
    let mut assumptions = vec![format!(
        "Rows of {} that others write meanwhile are changed too when they match, unless the batches have passed them or do not keep up with them, and a failure leaves the batches before it done.",
        batch.table
    )];
    // By another key than the primary one batches are as right, but may be large and slow.
    if site.relation().is_some_and(|it| it.maybe) {
        assumptions.push(format!("{} has the primary key ({}).", batch.table, batch.keys.join(", ")));
    }
    if site.is_open() {
        assumptions.push(format!("{} has no triggers that must fire once for the whole statement.", batch.table));
    }
    Rewrite { class: Class::Unsafe, place: Place::Statement, steps: vec![step], assumptions }
}

fn step(site: &Site, batch: &Batch, title: String) -> Result<Draft, String> {
    let sql = block(batch, site.request.parameters);
    // Two quotes of the block's own, and no name that it uses in what came from the statement.
    let foreign = |word: &str| batch.change.contains(word) || batch.condition.contains(word);
    let taken = ["$safestep$", "safestep_first", "safestep_last", "safestep_end", "safestep_rows", "safestep_batches"];
    if let Some(word) = taken.into_iter().find(|word| foreign(word)) {
        return Err(format!("the statement uses {word}, which its batches would need; take another name"));
    }
    let mut draft = Draft::new(Mode::NonTx, sql, title);
    draft.inverse = Inverse::Original;
    Ok(draft)
}

/// Each batch finds its first and last key without locking, so that neither depends on what others have locked. A batch that
/// is not full was the last one; while others keep adding rows at the end there may be none.
fn block(batch: &Batch, parameters: crate::Parameters) -> String {
    let Batch { from, change, condition, qualifier, keys, .. } = batch;
    let many = keys.len() > 1;
    let variables = |name: &str| -> Vec<String> {
        let numbered =
            |index: usize| if many { format!("safestep_{name}_{}", index + 1) } else { format!("safestep_{name}") };
        (0..keys.len()).map(numbered).collect()
    };
    let (first, last, end) = (variables("first"), variables("last"), variables("end"));
    let qualified: Vec<String> = keys.iter().map(|key| format!("{qualifier}.{key}")).collect();
    let row = |parts: &[String]| if many { format!("({})", parts.join(", ")) } else { parts.join("") };
    let key = row(&qualified);
    let selected = qualified.join(", ");
    let (low, high, highest) = (row(&first), row(&last), row(&end));
    let descending = |of: &str| keys.iter().map(|key| format!("{of}.{key} DESC")).collect::<Vec<_>>().join(", ");
    let (backwards, from_the_end) = (descending("batch"), descending(qualifier));
    let inner = keys.iter().map(|key| format!("batch.{key}")).collect::<Vec<_>>().join(", ");
    let mut declarations = String::new();
    for (variable, key) in first.iter().chain(&last).chain(&end).zip(keys.iter().cycle()) {
        declarations.push_str(&format!("  {variable} {}.{key}%TYPE;\n", batch.table));
    }
    declarations.push_str("  safestep_rows bigint;\n  safestep_batches bigint := 0;\n");
    if batch.now {
        declarations.push_str("  safestep_now timestamptz := now();\n");
    }
    let pause = match parameters.pause {
        0 => String::new(),
        pause => format!("    PERFORM pg_sleep({}.{:03});\n", pause / 1000, pause % 1000),
    };
    let (first, last, end) = (first.join(", "), last.join(", "), end.join(", "));
    let started = variables("first").remove(0);
    let size = parameters.batch.max(1);
    format!(
        "DO $safestep$
DECLARE
{declarations}BEGIN
  SELECT {selected} INTO {end} FROM {from} ORDER BY {from_the_end} LIMIT 1;
  SELECT {selected} INTO {first} FROM {from}
    WHERE {condition} ORDER BY {selected} LIMIT 1;
  WHILE {started} IS NOT NULL LOOP
    SELECT {inner}, count(*) OVER () INTO {last}, safestep_rows FROM (
      SELECT {selected} FROM {from}
        WHERE {key} >= {low} AND ({condition}) ORDER BY {selected} LIMIT {size}
    ) AS batch ORDER BY {backwards} LIMIT 1;
    {change}
      WHERE {key} >= {low} AND {key} <= {high} AND ({condition});
    COMMIT;
    safestep_batches := safestep_batches + CASE WHEN {high} <= {highest} THEN 1 ELSE -1 END;
    EXIT WHEN safestep_rows < {size} OR safestep_batches < 0;
{pause}    SELECT {selected} INTO {first} FROM {from}
      WHERE {key} > {high} AND ({condition}) ORDER BY {selected} LIMIT 1;
  END LOOP;
END
$safestep$;"
    )
}
