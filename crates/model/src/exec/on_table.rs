//! Triggers, rules, policies, statistics.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{self, Expr, Ident, Name, StatementKind};

use super::reach::find_name;
use super::{Exec, Stop, data, routine};
use crate::effect::{LockMode, OperationKind};
use crate::expr;
use crate::name::QName;
use crate::names::object_name;
use crate::schema::{Policy, Relation, RelationKind, Rule, Statistics, Trigger};

/// SHARE ROW EXCLUSIVE on the table, and on its partitions for a row trigger, which each get one (CreateTriggerFiringOn,
/// trigger.c).
pub(super) fn create_trigger(exec: &mut Exec, it: &ast::CreateTrigger, span: Span) -> Result<(), Stop> {
    let Some(table) = find_name(exec, &it.relation)? else { return Ok(()) };
    exec.operation(OperationKind::CreateTrigger, span, Some(&table));
    exec.lock(&table, LockMode::ShareRowExclusive);
    let relation = exec.relation(&table);
    refuse_trigger(exec, &relation, it)?;
    if relation.triggers.iter().any(|trigger| *trigger.name == *it.name.text) && !it.replace {
        let message = format!("trigger \"{}\" for relation \"{}\" already exists", it.name.text, table.name);
        return exec.refuse("42710", message, it.name.span);
    }
    if let Some(referenced) = &it.referenced
        && let Some(referenced) = find_name(exec, referenced)?
    {
        exec.lock(&referenced, LockMode::AccessShare);
    }
    let update_of: Vec<Arc<str>> = it.columns.iter().map(|column| column.as_str().into()).collect();
    let when = it.when.as_ref().map(expr::columns).unwrap_or_default();
    let trigger = Trigger {
        name: it.name.text.as_str().into(),
        function: routine::find(exec, &it.function).unwrap_or_else(|| exec.new_name(&it.function)),
        row: it.row,
        insert: it.insert,
        update: it.update,
        delete: it.delete,
        truncate: it.truncate,
        timing: it.timing,
        columns: update_of.iter().cloned().chain(when.iter().map(|column| Arc::from(*column))).collect(),
        update_of,
        conditional: it.when.is_some(),
        enabled: true,
        constraint: it.constraint,
        deferred: false,
    };
    // Whoever writes the table runs the function, and so needs what that touches.
    let functions = exec.schema.functions.get(&trigger.function).cloned().unwrap_or_default();
    for body in functions.iter().filter_map(|function| function.body.as_deref()) {
        for name in routine::relations(body) {
            let used = exec.resolve(&name);
            exec.schema.note_use(&used, &table);
        }
    }
    let mut tables = vec![table.clone()];
    if it.row && relation.kind == RelationKind::PartitionedTable {
        tables.extend(exec.schema.descendants(&table));
    }
    for table in tables {
        exec.lock(&table, LockMode::ShareRowExclusive);
        exec.change(&table).triggers.retain(|old| old.name != trigger.name);
        exec.change(&table).triggers.push(trigger.clone());
    }
    Ok(())
}

/// What a relation of this kind does not take (CreateTriggerFiringOn, trigger.c).
fn refuse_trigger(exec: &mut Exec, relation: &Relation, it: &ast::CreateTrigger) -> Result<(), Stop> {
    let known = exec.schema.relations.contains_key(&relation.name) && !relation.open;
    let instead = it.timing == "instead of";
    let detail = match relation.kind {
        _ if !known && relation.kind != RelationKind::View => None,
        RelationKind::Table | RelationKind::PartitionedTable if instead => {
            Some(format!("\"{}\" is a table", relation.name.name))
        }
        RelationKind::View if it.row != instead || it.truncate => Some(format!("\"{}\" is a view", relation.name.name)),
        RelationKind::ForeignTable if instead || it.truncate && !exec.since(16) || it.constraint => {
            Some(format!("\"{}\" is a foreign table", relation.name.name))
        }
        RelationKind::MaterializedView | RelationKind::Sequence => {
            let message = format!("relation \"{}\" cannot have triggers", relation.name.name);
            return exec.refuse("42809", message, it.relation.span);
        }
        _ => None,
    };
    if let Some(message) = detail {
        return exec.refuse("42809", message, it.relation.span);
    }
    if known && let Some(column) = it.columns.iter().find(|column| relation.column(column).is_none()) {
        let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name.name);
        return exec.refuse("42703", message, it.name.span);
    }
    // A trigger calls its function without arguments (LookupFuncName), and that returns trigger.
    let functions = routine::find(exec, &it.function).and_then(|name| exec.schema.functions.get(&name).cloned());
    let Some(functions) = functions else { return Ok(()) };
    match functions.iter().find(|function| function.parameters.is_empty()) {
        None => {
            let message = format!("function {}() does not exist", it.function.name);
            exec.refuse("42883", message, it.function.span)
        }
        Some(function) if function.returns.as_ref().is_some_and(|ty| ty.name != "trigger") => {
            let message = format!("function {} must return type trigger", it.function.name);
            exec.refuse("42P17", message, it.function.span)
        }
        Some(_) => Ok(()),
    }
}

/// ACCESS EXCLUSIVE on the table, and what the actions name is analyzed (transformRuleStmt, parse_utilcmd.c).
pub(super) fn create_rule(exec: &mut Exec, it: &StatementKind, span: Span) -> Result<(), Stop> {
    let StatementKind::CreateRule { name, relation: table, replace, event, instead, facts } = it else { return Ok(()) };
    let Some(table) = find_name(exec, table)? else { return Ok(()) };
    exec.operation(OperationKind::Other, span, Some(&table));
    exec.lock(&table, LockMode::AccessExclusive);
    let relation = exec.relation(&table);
    if relation.kind == RelationKind::MaterializedView {
        return exec.refuse("0A000", "rules on materialized views are not supported".to_owned(), name.span);
    }
    data::analyze(exec, facts, false)?;
    if *event == "select" && !relation.open && relation.kind != RelationKind::View {
        if exec.since(16) {
            let message = format!("relation \"{}\" cannot have ON SELECT rules", table.name);
            return exec.refuse("42809", message, name.span);
        }
        // A table can become a view, which takes a rule of that name (DefineQueryRewrite, rewriteDefine.c).
        if name.text != "_RETURN" {
            let message = format!("view rule for \"{}\" must be named \"_RETURN\"", table.name);
            return exec.refuse("42P17", message, name.span);
        }
    }
    let replace = *replace;
    if exec.relation(&table).rules.iter().any(|rule| *rule.name == *name.text) {
        if replace {
            return Ok(());
        }
        let message = format!("rule \"{}\" for relation \"{}\" already exists", name.text, table.name);
        return exec.refuse("42710", message, name.span);
    }
    let name = name.text.as_str().into();
    exec.change(&table).rules.push(Rule { name, event, replaces: instead.then_some(*event) });
    Ok(())
}

/// ACCESS EXCLUSIVE on the table, ACCESS SHARE on what the expressions read (CreatePolicy, AlterPolicy, policy.c).
pub(super) fn policy(
    exec: &mut Exec,
    name: &Ident,
    table: &Name,
    expressions: &[Expr],
    create: bool,
    span: Span,
) -> Result<(), Stop> {
    let Some(table) = find_name(exec, table)? else { return Ok(()) };
    exec.operation(OperationKind::Other, span, Some(&table));
    exec.lock(&table, LockMode::AccessExclusive);
    let relation = exec.relation(&table);
    if matches!(relation.kind, RelationKind::View | RelationKind::MaterializedView | RelationKind::Sequence) {
        return exec.refuse("42809", format!("\"{}\" is not a table", table.name), name.span);
    }
    for expression in expressions {
        refuse_unknown_column(exec, &relation, expression, name.span)?;
    }
    let exists = relation.policies.iter().any(|policy| *policy.name == *name.text);
    if create && exists {
        let message = format!("policy \"{}\" for table \"{}\" already exists", name.text, table.name);
        return exec.refuse("42710", message, name.span);
    }
    if !create && !exists && !relation.open {
        let message = format!("policy \"{}\" for table \"{}\" does not exist", name.text, table.name);
        return exec.refuse("42704", message, name.span);
    }
    let mut reads = Vec::new();
    for expression in expressions {
        subqueries(exec, expression, &mut reads)?;
    }
    for read in &reads {
        exec.schema.note_use(read, &table);
        exec.schema.lookup.used.insert(read.name.clone(), ());
    }
    let columns = expressions.iter().flat_map(expr::columns).map(Arc::from).collect();
    let mut functions = Vec::new();
    expressions.iter().for_each(|it| called(it, &mut functions));
    let policy = Policy { name: name.text.as_str().into(), columns, reads, functions };
    exec.change(&table).policies.retain(|old| old.name != policy.name);
    exec.change(&table).policies.push(policy);
    Ok(())
}

/// A plain name that no column has. Names in subqueries may mean theirs.
fn refuse_unknown_column(exec: &mut Exec, relation: &Relation, expression: &Expr, span: Span) -> Result<(), Stop> {
    if relation.open {
        return Ok(());
    }
    if let Expr::Column(parts) = expression
        && let [column] = parts.as_slice()
        && column != "*"
        && super::define::lacks_column(exec, relation, column)
        && *column != *relation.name.name
    {
        return exec.refuse("42703", format!("column \"{column}\" does not exist"), span);
    }
    if matches!(expression, Expr::Subquery(_)) {
        return Ok(());
    }
    expr::children(expression).into_iter().try_for_each(|child| refuse_unknown_column(exec, relation, child, span))
}

fn called(expression: &Expr, functions: &mut Vec<Arc<str>>) {
    match expression {
        Expr::Call { name, .. } => functions.push(name.name.as_str().into()),
        Expr::Subquery(query) => functions.extend(query.functions.iter().map(|it| Arc::from(it.name.as_str()))),
        _ => {}
    }
    expr::children(expression).into_iter().for_each(|child| called(child, functions));
}

fn subqueries(exec: &mut Exec, expression: &Expr, reads: &mut Vec<QName>) -> Result<(), Stop> {
    if let Expr::Subquery(query) = expression {
        data::analyze(exec, query, false)?;
        reads.extend(query.reads.iter().map(|read| exec.resolve(&read.relation.name)));
    }
    expr::children(expression).into_iter().try_for_each(|child| subqueries(exec, child, reads))
}

/// SHARE UPDATE EXCLUSIVE (CreateStatistics, statscmds.c).
pub(super) fn create_statistics(
    exec: &mut Exec,
    name: Option<&Name>,
    table: Option<&Name>,
    columns: &[String],
    expressions: &[Expr],
    if_not_exists: bool,
    span: Span,
) -> Result<(), Stop> {
    let table = match table {
        Some(table) => find_name(exec, table)?,
        None => None,
    };
    exec.operation(OperationKind::Other, span, table.as_ref());
    let Some(table) = table else { return Ok(()) };
    if matches!(exec.relation(&table).kind, RelationKind::View | RelationKind::Sequence) {
        let message = if exec.since(15) {
            format!("cannot define statistics for relation \"{}\"", table.name)
        } else {
            format!("relation \"{}\" is not a table, foreign table, or materialized view", table.name)
        };
        return exec.refuse("42809", message, span);
    }
    exec.lock(&table, LockMode::ShareUpdateExclusive);
    let relation = exec.relation(&table);
    if let Some(column) = columns.iter().find(|column| super::define::lacks_column(exec, &relation, column)) {
        return exec.refuse("42703", format!("column \"{column}\" does not exist"), span);
    }
    if columns.len() == 1 && expressions.is_empty() {
        return exec.refuse("42P17", "extended statistics require at least 2 columns".to_owned(), span);
    }
    let name = match name {
        Some(written) => {
            let name = exec.new_name(written);
            if exec.schema.statistics.contains_key(&name) {
                if if_not_exists {
                    return Ok(());
                }
                let message = format!("statistics object \"{}\" already exists", written.name);
                return exec.refuse("42710", message, written.span);
            }
            name
        }
        None => generated_name(exec, &table, columns),
    };
    let used = expressions.iter().flat_map(expr::columns).chain(columns.iter().map(String::as_str));
    let columns = used.map(Arc::from).collect();
    exec.schema.statistics.insert(name, Arc::new(Statistics { table, columns }));
    Ok(())
}

/// `t_a_b_stat`, expressions called `expr` (ChooseExtendedStatisticName, statscmds.c).
fn generated_name(exec: &Exec, table: &QName, columns: &[String]) -> QName {
    let columns = if columns.is_empty() { "expr".to_owned() } else { columns.join("_") };
    let mut label = "stat".to_owned();
    let mut count = 0;
    loop {
        let name = table.sibling(&object_name(&table.name, Some(&columns), &label));
        if !exec.schema.statistics.contains_key(&name) {
            return name;
        }
        count += 1;
        label = format!("stat{count}");
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str = "CREATE TABLE t (id int, a int, b int); CREATE TABLE u (id int); CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'";

    #[test]
    fn things_on_tables() {
        let sql = "
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); CREATE TRIGGER tr AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f();
DROP TRIGGER tr ON p; CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING; CREATE POLICY po ON t USING (id IN (SELECT id FROM u)); ALTER POLICY nope ON t USING (true);
ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE u ADD COLUMN x int; CREATE STATISTICS ON a, b FROM t; CREATE STATISTICS t_a_b_stat ON a, b FROM t";
        expect![[r#"
            CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()
                t SHARE ROW EXCLUSIVE | blocks t:W
            CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()
                t SHARE ROW EXCLUSIVE | blocks t:W | 42710: trigger "tr" for relation "t" already exists
            CREATE TRIGGER tr AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f()
                p SHARE ROW EXCLUSIVE, p1 SHARE ROW EXCLUSIVE | blocks p:W p1:W
            DROP TRIGGER tr ON p
                p ACCESS EXCLUSIVE, p1 ACCESS EXCLUSIVE | blocks p:RW p1:RW
            CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING
                t ACCESS EXCLUSIVE | blocks t:RW
            CREATE POLICY po ON t USING (id IN (SELECT id FROM u))
                t ACCESS EXCLUSIVE, u ACCESS SHARE | blocks t:RW
            ALTER POLICY nope ON t USING (true)
                t ACCESS EXCLUSIVE | blocks t:RW | 42704: policy "nope" for table "t" does not exist
            ALTER TABLE t ENABLE ROW LEVEL SECURITY
                t ACCESS EXCLUSIVE | blocks t:RW
            ALTER TABLE u ADD COLUMN x int
                u ACCESS EXCLUSIVE | blocks t:RW u:RW
            CREATE STATISTICS ON a, b FROM t
                t SHARE UPDATE EXCLUSIVE
            CREATE STATISTICS t_a_b_stat ON a, b FROM t
                t SHARE UPDATE EXCLUSIVE | 42710: statistics object "t_a_b_stat" already exists
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
