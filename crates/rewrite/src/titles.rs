//! Few words for a step, as they go into file names.

use syntax::ast::{AlterAction, StatementKind};

/// Longer titles are cut: file systems allow 255 bytes, and readers want fewer.
const LONGEST: usize = 60;

/// `<verb>_<name>` in lower case, digits and underscores.
pub(crate) fn slug(verb: &str, name: &str) -> String {
    let mut title = String::new();
    for c in verb.chars().chain(['_']).chain(name.chars()) {
        let c = if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        if c != '_' || !title.ends_with('_') {
            title.push(c);
        }
    }
    title.truncate(LONGEST);
    title.trim_matches('_').to_owned()
}

/// The title of a statement that stays as it is.
pub(crate) fn of(kind: &StatementKind) -> String {
    match kind {
        StatementKind::AlterTable(it) => {
            alter_table(&it.relation.name.name, it.subcommands.iter().map(|it| &it.action))
        }
        StatementKind::CreateTable(it) => slug("create", &it.name.name),
        StatementKind::CreateTableAs(it) => slug("create", &it.name.name),
        StatementKind::CreateIndex(it) => match &it.name {
            Some(name) => slug("create", &name.text),
            None => slug("index", &it.relation.name.name),
        },
        StatementKind::CreateView(it) => slug("create", &it.name.name),
        StatementKind::CreateSequence(it) => slug("create", &it.name.name),
        StatementKind::CreateFunction(it) => slug("create", &it.name.name),
        StatementKind::CreateTrigger(it) => slug("create", &it.name.text),
        StatementKind::CreateEnum { name, .. }
        | StatementKind::CreateComposite { name, .. }
        | StatementKind::CreateRange { name }
        | StatementKind::CreateDomain { name, .. } => slug("create", &name.name),
        StatementKind::AlterEnum(it) => slug("extend", &it.name.name),
        StatementKind::Drop(it) => slug("drop", it.names.first().map_or("objects", |name| &name.name.name)),
        StatementKind::Rename(it) => slug("rename", &it.name.name),
        StatementKind::Comment(it) => slug("comment_on", &it.name.name),
        StatementKind::Insert(it) => slug("fill", &it.target.name.name),
        StatementKind::Update(it) => slug("update", &it.target.name.name),
        StatementKind::Delete(it) => slug("delete_from", &it.target.name.name),
        StatementKind::Merge { target, .. } => slug("merge_into", &target.name.name),
        StatementKind::Truncate { relations, .. } => {
            slug("truncate", relations.first().map_or("tables", |relation| &relation.name.name))
        }
        StatementKind::Reindex(it) => slug("reindex", it.name.as_ref().map_or("system", |name| &name.name)),
        StatementKind::RefreshMaterializedView { name, .. } => slug("refresh", &name.name),
        StatementKind::Vacuum(it) => {
            slug("vacuum", it.relations.first().map_or("tables", |(relation, _)| &relation.name.name))
        }
        StatementKind::Analyze { .. } => "analyze".to_owned(),
        StatementKind::Grant(it) => if it.revoke { "revoke" } else { "grant" }.to_owned(),
        StatementKind::Do(_) => "run_block".to_owned(),
        StatementKind::Select(_) => "run_query".to_owned(),
        StatementKind::Call { name, .. } => slug("call", &name.name),
        StatementKind::CreateExtension { name, .. } => slug("create", name),
        StatementKind::CreateSchema { name, .. } => slug("create", name.as_deref().unwrap_or("schema")),
        _ => "change_schema".to_owned(),
    }
}

/// One subcommand is named for what it does, several for their table.
pub(crate) fn alter_table<'a>(table: &str, mut actions: impl Iterator<Item = &'a AlterAction>) -> String {
    let (Some(action), None) = (actions.next(), actions.next()) else {
        return slug("alter", table);
    };
    match action {
        AlterAction::AddColumn { column, .. } => slug("add", &format!("{table}_{}", column.name.text)),
        AlterAction::DropColumn { column, .. } => slug("drop", &format!("{table}_{}", column.text)),
        AlterAction::SetNotNull { column } => slug("set", &format!("{table}_{}_not_null", column.text)),
        AlterAction::AddConstraint(it) => match &it.name {
            Some(name) => slug("add", &name.text),
            None => slug("constrain", table),
        },
        AlterAction::DropConstraint { name, .. } => slug("drop", &name.text),
        AlterAction::ValidateConstraint { name } => slug("validate", &name.text),
        _ => slug("alter", table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_file_names() {
        assert_eq!(slug("add", "users_email_check"), "add_users_email_check");
        assert_eq!(slug("add", "\"Weird\" näme"), "add_weird_n_me");
        assert_eq!(slug("add", &"x".repeat(100)).len(), 60);
    }
}
