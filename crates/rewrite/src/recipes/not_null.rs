//! R-NN12 and R-NN18: SET NOT NULL without reading the table under a lock that blocks others.
//!
//! SET NOT NULL skips its scan when a valid CHECK proves it (NotNullImpliedByRelConstraints, tablecmds.c). The CHECK must
//! be dropped by a second statement, because drops come first inside one ALTER TABLE. On 18 a not-null constraint itself
//! can be NOT VALID. A range of majors over that border takes the first way, which works on all of them.

use model::name::QName;
use model::plan::{Inverse, Mode};
use model::schema;
use syntax::ast::{AlterAction, ConstraintKind, Expr};

use super::validate;
use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite, Role};
use crate::{names, titles};

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    if !site.blocks_long() {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    let (Some(subcommand), Some(table)) = (site.subcommand(), &site.operation.relation) else {
        return Err("the statement is not an ALTER TABLE".to_owned());
    };
    if let AlterAction::AddConstraint(constraint) = &subcommand.action
        && let ConstraintKind::NotNull { column: Some(column) } = &constraint.kind
    {
        if *site.majors().start() < 18 {
            return Err("PostgreSQL knows NOT NULL as a constraint of the table from 18 on; write SET NOT NULL, or name the versions by --pg-version".to_owned());
        }
        let add = format!("{} {}", site.slice(subcommand.span), site.word("NOT VALID"));
        return Ok(Rewrite::safe(Place::Subcommand, not_valid(site, table, &column.text, Some(&add))));
    }
    let AlterAction::SetNotNull { column } = &subcommand.action else {
        return Err("NOT NULL inside ADD COLUMN fails as long as the table has rows; add the column with a DEFAULT, or nullable, and fill it before SET NOT NULL".to_owned());
    };
    if inherited_only(site) {
        return Err(
            "a constraint that proves NOT NULL cannot be added to ONLY this table, because others inherit from it; leave out ONLY"
                .to_owned(),
        );
    }
    if let Some(steps) = given_proof(site, table, &column.text) {
        return Ok(Rewrite::safe(Place::Statement, steps));
    }
    let steps = if *site.majors().start() >= 18 {
        not_valid(site, table, &column.text, None)
    } else {
        proven(site, table, &column.text, true)
    };
    Ok(Rewrite::safe(Place::Subcommand, steps))
}

/// `SET NOT NULL, DROP CONSTRAINT proof`: the proof is dropped first inside one ALTER TABLE, so it takes two.
fn given_proof(site: &Site, table: &QName, column: &str) -> Option<Vec<Draft>> {
    let [first, second] = site.alter_table()?.subcommands.as_slice() else { return None };
    let (set, drop) =
        if matches!(first.action, AlterAction::SetNotNull { .. }) { (first, second) } else { (second, first) };
    let AlterAction::DropConstraint { name, cascade: false, .. } = &drop.action else { return None };
    let proof = site.relation()?.constraint(&name.text).filter(|it| it.validated && it.enforced)?;
    let schema::ConstraintKind::Check { expr, .. } = &proof.kind else { return None };
    proves(expr, column).then(|| {
        let title = titles::slug("set", &format!("{}_{column}_not_null", table.name));
        let mut steps = vec![
            Draft::new(Mode::Tx, site.alter(site.slice(set.span)), title),
            Draft::new(Mode::Tx, site.alter(site.slice(drop.span)), titles::slug("drop", &name.text)),
        ];
        steps.iter_mut().for_each(|step| step.inverse = Inverse::Original);
        steps
    })
}

/// `column IS NOT NULL`, alone or in an AND.
fn proves(expr: &Expr, column: &str) -> bool {
    match expr {
        Expr::IsNull { operand, negated: true } => {
            matches!(&**operand, Expr::Column(parts) if parts.last().is_some_and(|it| it == column))
        }
        Expr::And(parts) => parts.iter().any(|part| proves(part, column)),
        _ => false,
    }
}

/// ALTER TABLE ONLY with children: CHECK constraints must be added to them too (ATAddCheckNNConstraint, tablecmds.c).
fn inherited_only(site: &Site) -> bool {
    let only = site.relation_ref().is_some_and(|it| it.only);
    only && site.relation().is_some_and(|it| !it.children.is_empty())
}

/// A CHECK that is added NOT VALID, validated, used by SET NOT NULL and dropped. Without `undo` the column stays NOT NULL
/// when the steps are undone, as it does when a primary key made it so.
pub(super) fn proven(site: &Site, table: &QName, column: &str, undo: bool) -> Vec<Draft> {
    let helper = names::helper(site.relation(), table, column, "not_null_proof");
    let quoted = syntax::quote_ident(column);
    let alter = |words: &str| site.alter(words);
    let add = alter(&format!(
        "{} {helper_name} {} ({quoted} {}) {}",
        site.word("ADD CONSTRAINT"),
        site.word("CHECK"),
        site.word("IS NOT NULL"),
        site.word("NOT VALID"),
        helper_name = syntax::quote_ident(&helper),
    ));
    let drop = alter(&format!("{} {}", site.word("DROP CONSTRAINT"), syntax::quote_ident(&helper)));
    let column_action = |action: &str| alter(&format!("{} {quoted} {}", site.word("ALTER COLUMN"), site.word(action)));
    let mut set = Draft::new(
        Mode::Tx,
        column_action("SET NOT NULL"),
        titles::slug("set", &format!("{}_{column}_not_null", table.name)),
    );
    if undo {
        set = set.undone_by(Mode::Tx, column_action("DROP NOT NULL"));
    }
    vec![
        Draft::new(Mode::Tx, add.clone(), titles::slug("add", &helper)).undone_by(Mode::Tx, drop.clone()),
        validate::step(site, &helper),
        set,
        Draft::new(Mode::Tx, drop, titles::slug("drop", &helper)).undone_by(Mode::Tx, add).role(Role::Joined),
    ]
}

/// From 18 on: the constraint that SET NOT NULL would make, or the one that is `given`, NOT VALID at first.
fn not_valid(site: &Site, table: &QName, column: &str, given: Option<&str>) -> Vec<Draft> {
    let made = site.after.relations.get(table).and_then(|relation| {
        relation
            .constraints
            .iter()
            .find(|it| matches!(&it.kind, schema::ConstraintKind::NotNull { column: it } if **it == *column))
    });
    let name = made.map_or_else(
        || model::names::object_name(&table.name, Some(column), "not_null"),
        |constraint| constraint.name.to_string(),
    );
    let quoted = syntax::quote_ident(&name);
    let made = || {
        let [add, not_null, not_valid] = ["ADD CONSTRAINT", "NOT NULL", "NOT VALID"].map(|it| site.word(it));
        format!("{add} {quoted} {not_null} {} {not_valid}", syntax::quote_ident(column))
    };
    let add = site.alter(&given.map_or_else(made, str::to_owned));
    let drop = site.alter(&format!("{} {quoted}", site.word("DROP CONSTRAINT")));
    vec![Draft::new(Mode::Tx, add, titles::slug("add", &name)).undone_by(Mode::Tx, drop), validate::step(site, &name)]
}
