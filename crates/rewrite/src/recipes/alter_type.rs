//! Type changes that keep the rows but check a CHECK or build an index again under ACCESS EXCLUSIVE: the constraint is
//! replaced by one that is NOT VALID and validated afterwards, the index is dropped before and built after, concurrently.

use model::effect::{Effect, Operation, OperationKind, Work};
use model::expr::reads_column;
use model::plan::{Class, Mode};
use model::schema::{ConstraintKind, Relation};
use syntax::ast::AlterAction;

use super::{drop_index, validate};
use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite, Role};
use crate::{edit, titles};

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    if !site.blocks_long() {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    let Some((subcommand, AlterAction::AlterType { column, .. })) = site.subcommand().map(|it| (it, &it.action)) else {
        return Err("the statement is written in a way that is not understood; change it by hand".to_owned());
    };
    let effects = &site.operation.effects;
    if effects.iter().any(|effect| effect.work == Work::Rewrite) {
        return Err(
            "rows are not rewritten without this lock: another type needs a new column, a backfill and a deploy that uses it".to_owned()
        );
    }
    let table = site.relation().filter(|_| !site.is_open());
    let table = table.ok_or_else(|| format!("the constraints and indexes of {} are not known", site.table()))?;
    if !table.children.is_empty() || table.partition_of.is_some() || !table.inherits.is_empty() {
        return Err(
            "constraints and indexes that belong to a hierarchy of tables cannot be replaced one by one; change the type by a new column beside the old one".to_owned()
        );
    }
    let foreign = effects.iter().any(|it| it.relation != table.name && it.on.is_none() && it.work == Work::Scan);
    if foreign {
        return Err("a foreign key on the column is checked again under the lock; drop it before, and add it again NOT VALID afterwards".to_owned());
    }
    let (before_checks, after_checks, validations) = checks(site, table, &column.text)?;
    let (drops, builds) = indexes(site, table)?;
    let unsafe_ = !drops.is_empty();
    let assumptions = drops
        .iter()
        .map(|it: &Draft| {
            format!(
                "Queries do without an index between \"{}\" and its being built again.",
                it.sql.trim_end_matches(';')
            )
        })
        .collect();
    let mut steps = drops;
    let mut atom = before_checks;
    let change = Draft::new(
        Mode::Tx,
        site.alter(site.slice(subcommand.span)),
        titles::slug("change", &format!("{}_{}_type", table.name.name, column.text)),
    );
    atom.push(Draft { inverse: model::plan::Inverse::Original, ..change });
    atom.extend(after_checks);
    steps.extend(atom.into_iter().enumerate().map(|(index, it)| if index == 0 { it } else { it.role(Role::Joined) }));
    steps.extend(validations);
    steps.extend(builds);
    let class = if unsafe_ { Class::Unsafe } else { Class::Safe };
    Ok(Rewrite { class, place: Place::Subcommand, steps, assumptions })
}

type Replaced = (Vec<Draft>, Vec<Draft>, Vec<Draft>);

/// What drops, adds again and validates the valid CHECKs that read the column; NOT VALID ones are not read.
fn checks(site: &Site, table: &Relation, column: &str) -> Result<Replaced, String> {
    let (mut drops, mut adds, mut validations) = (Vec::new(), Vec::new(), Vec::new());
    for constraint in table.constraints.iter().filter(|it| it.validated && it.enforced) {
        let ConstraintKind::Check { expr, text } = &constraint.kind else { continue };
        if !reads_column(expr, column) {
            continue;
        }
        if constraint.inherited {
            return Err(format!("constraint {} is inherited", constraint.name));
        }
        let name = syntax::quote_ident(&constraint.name);
        let inherit = if constraint.no_inherit { " NO INHERIT" } else { "" };
        let drop = site.alter(&format!("{} {name}", site.word("DROP CONSTRAINT")));
        let add = site.alter(&format!(
            "{} {name} {} ({text}){} {}",
            site.word("ADD CONSTRAINT"),
            site.word("CHECK"),
            site.word(inherit),
            site.word("NOT VALID"),
        ));
        drops.push(Draft::new(Mode::Tx, drop.clone(), titles::slug("drop", &constraint.name)));
        adds.push(Draft::new(Mode::Tx, add, titles::slug("add", &constraint.name)));
        if let Some(comment) = &constraint.comment {
            let sql = format!(
                "{} {name} {} {} {} {};",
                site.word("COMMENT ON CONSTRAINT"),
                site.word("ON"),
                site.table(),
                site.word("IS"),
                edit::literal(comment),
            );
            adds.push(Draft::new(Mode::Tx, sql, titles::slug("comment_on", &constraint.name)));
        }
        validations.push(validate::step(site, &constraint.name));
    }
    Ok((drops, adds, validations))
}

/// What drops and builds the indexes that the change would build again. Those that the file makes are not there yet: the
/// change comes before them.
fn indexes(site: &Site, table: &Relation) -> Result<(Vec<Draft>, Vec<Draft>), String> {
    let (mut drops, mut builds) = (Vec::new(), Vec::new());
    let effects = &site.operation.effects;
    let all = effects.iter().any(|it| it.relation == table.name && it.work == Work::Build);
    let built: Vec<_> = effects.iter().filter(|it| it.work == Work::Build && it.on.is_some()).collect();
    if all && built.is_empty() {
        return Err("which indexes are built again is not known".to_owned());
    }
    let earlier = || site.request.trace.judged[..site.statement].iter().flat_map(|it| &it.operations);
    let makes = |it: &Operation, effect: &Effect| {
        let builds = |it: &Effect| it.work == Work::Build && it.relation == effect.relation;
        it.kind == OperationKind::CreateIndex && it.effects.iter().any(builds)
    };
    let made = |effect: &Effect| earlier().any(|it| makes(it, effect));
    for effect in built.into_iter().filter(|it| !made(it)) {
        let index = site.before.indexes.get(&effect.relation).ok_or("an index is not known")?;
        let name = &index.name.name;
        if index.unique || index.constraint.is_some() {
            return Err(format!(
                "index {name} keeps values unique and cannot be missing for a while; change the type by a new column beside the old one"
            ));
        }
        let marked = table.clustered_on.as_ref() == Some(name) || table.replica_identity.as_ref() == Some(name);
        if index.comment.is_some() || marked || !index.valid || index.maybe {
            return Err(format!(
                "index {name} has properties that would be lost when it is built anew; drop it before by hand, and build it concurrently afterwards"
            ));
        }
        let definition =
            drop_index::definition(index).ok_or_else(|| format!("the definition of index {name} is not known"))?;
        let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {};", index.name);
        drops.push(
            Draft::new(Mode::NonTx, drop.clone(), titles::slug("drop", name))
                .undone_by(Mode::NonTx, definition.clone()),
        );
        builds.push(
            Draft::new(Mode::NonTx, definition, titles::slug("create", name))
                .undone_by(Mode::NonTx, drop.clone())
                .recovered_by(drop),
        );
    }
    Ok((drops, builds))
}
