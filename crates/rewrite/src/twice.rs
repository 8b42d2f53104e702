//! What one transaction changes twice: a policy made and dropped, privileges taken and given, a partition detached and attached.
//! Nobody else ever meets what stands between the two, so that parts must not commit between them.

use std::collections::BTreeMap;

use model::schema::Schema;
use syntax::ast::{AlterAction, AlterTable, DomainAction, Name, ObjectKind, PublicationAction, StatementKind};

use crate::Request;
use crate::expand::Item;

/// What can be changed, as a phrase, and which one of several that have the same phrase.
type Thing = (String, Option<String>);

/// A change of something that can be changed again.
struct Change {
    thing: Thing,
    /// Others miss nothing after it, and may do no more than they may at the end, as long as only such changes follow.
    grows: bool,
}

/// The first and the last step that change the same, and what would happen between them.
pub(crate) fn pairs(request: &Request, items: &[Item]) -> Vec<((usize, usize), String)> {
    let statements = &request.script.statements;
    let judged = &request.trace.judged;
    let mut known: BTreeMap<Thing, Vec<(usize, bool)>> = BTreeMap::new();
    for (index, statement) in statements.iter().enumerate() {
        for it in changes(&statement.parsed.kind, judged[index].before(), &request.session.search_path) {
            known.entry(it.thing).or_default().push((index, it.grows));
        }
    }
    let mut found = Vec::new();
    for ((what, _), changes) in known {
        for (at, (first, _)) in changes.iter().enumerate() {
            let at_once = |it: &&(usize, bool)| judged[*first].transaction.may_share(&judged[it.0].transaction);
            let same: Vec<&(usize, bool)> = changes[at..].iter().filter(at_once).collect();
            let [_, .., (last, _)] = same[..] else { continue };
            if same.iter().all(|(_, grows)| *grows) {
                continue;
            }
            let first = items.iter().position(|item| item.statement == *first);
            let last = items.iter().rposition(|item| item.statement == *last);
            let why = format!("others would meet {what} half-way, which the original changes twice at once");
            found.extend(first.zip(last).map(|pair| (pair, why)));
        }
    }
    found
}

fn changes(kind: &StatementKind, before: &Schema, search_path: &[String]) -> Vec<Change> {
    let change = |what: String, grows| Change { thing: (what, None), grows };
    let one = |what: String| vec![change(what, false)];
    match kind {
        StatementKind::AlterTable(it) => subcommands(it, before, search_path),
        StatementKind::CreateTrigger(it) => one(format!("trigger {} on {}", it.name.text, it.relation.name)),
        StatementKind::CreateRule { name, relation, .. } => one(format!("rule {} on {}", name.text, relation.name)),
        StatementKind::CreatePolicy { name, relation, .. } | StatementKind::AlterPolicy { name, relation, .. } => {
            one(format!("policy {} on {}", name.text, relation.name))
        }
        StatementKind::Drop(it) => {
            let dropped = it.names.iter().filter_map(|dropped| {
                if it.object == ObjectKind::EventTrigger {
                    return Some(change(format!("event trigger {}", dropped.name.name), false));
                }
                let table = &dropped.relation.as_ref()?.name;
                let word = match it.object {
                    ObjectKind::Trigger => "trigger",
                    ObjectKind::Rule => "rule",
                    ObjectKind::Policy => "policy",
                    _ => return None,
                };
                Some(change(format!("{word} {} on {table}", dropped.name.name), false))
            });
            dropped.collect()
        }
        StatementKind::Grant(it) => {
            let of = |name: &Name| match it.all_in_schema {
                true => format!("the privileges in schema {}", name.name),
                false => format!("the privileges on {}", name.name),
            };
            it.names.iter().map(|name| change(of(name), !it.revoke)).collect()
        }
        StatementKind::CreateEventTrigger { name } | StatementKind::AlterEventTrigger { name } => {
            one(format!("event trigger {}", name.text))
        }
        StatementKind::Role => one("the attributes of roles".to_owned()),
        StatementKind::SetOwner(it) => one(format!("the owner of {}", it.name.name)),
        StatementKind::CreatePublication(it) => vec![change(format!("publication {}", it.name), true)],
        StatementKind::AlterPublication { publication, action } => {
            vec![change(format!("publication {}", publication.name), *action == PublicationAction::Add)]
        }
        StatementKind::AlterDomain { name, action } => {
            let grows = !matches!(action, DomainAction::DropConstraint { .. } | DomainAction::DropNotNull);
            vec![change(format!("domain {}", name.name), grows)]
        }
        StatementKind::CreateFunction(it) if it.replace => {
            let types: Vec<&str> = it.parameters.iter().map(|ty| ty.name.as_str()).collect();
            one(format!("function {}({})", it.name.name, types.join(", ")))
        }
        StatementKind::AlterFunction { name, .. } => one(format!("the properties of function {}", name.name)),
        StatementKind::CreateView(it) if it.replace => one(format!("view {}", it.name.name)),
        _ => Vec::new(),
    }
}

fn subcommands(it: &AlterTable, before: &Schema, search_path: &[String]) -> Vec<Change> {
    let table = &it.relation.name.name;
    let change = |action: &AlterAction| -> Option<Change> {
        let thing = match action {
            AlterAction::Owner { .. } => (format!("the owner of {table}"), None),
            AlterAction::ReplicaIdentity { .. } => (format!("the replica identity of {table}"), None),
            AlterAction::AlterConstraint { name, .. } => (format!("constraint {} of {table}", name.text), None),
            AlterAction::EnableTrigger { .. } | AlterAction::DisableTrigger { .. } => {
                (format!("the triggers of {table}"), None)
            }
            AlterAction::EnableRule { .. } | AlterAction::DisableRule { .. } => (format!("the rules of {table}"), None),
            AlterAction::SetOptions { .. } | AlterAction::ResetOptions { .. } if it.object == ObjectKind::View => {
                (format!("the options of view {table}"), None)
            }
            AlterAction::Inherit { parent } | AlterAction::NoInherit { parent } => {
                (format!("the children of {}", parent.name), Some(table.clone()))
            }
            AlterAction::DetachPartition { partition, .. } => {
                let partition = before.resolve(partition, search_path);
                let (_, bound) = before.relations.get(&partition)?.partition_of.as_ref()?;
                (format!("the partitions of {table}"), Some(format!("{bound:?}")))
            }
            AlterAction::AttachPartition { bound: Some(bound), .. } => {
                (format!("the partitions of {table}"), Some(format!("{bound:?}")))
            }
            _ => return None,
        };
        Some(Change { thing, grows: false })
    };
    it.subcommands.iter().filter_map(|it| change(&it.action)).collect()
}
