//! Directives that allow findings, and those that allow nothing.

use syntax::Span;
use syntax::directive::{Date, Directive, Scope, Tool, directives};

use crate::aliases::{self, ATLAS, EUGENE, SQUAWK};
use crate::rules::unused_suppression::RULE;
use crate::{ALL, Context, Finding, Linted};

/// One name of a directive, which may allow findings.
struct Allowance {
    tool: Tool,
    scope: Scope,
    /// Rules of ours; empty for every rule.
    rules: Vec<&'static str>,
    /// As written; the whole directive when it names none.
    span: Span,
    reason: String,
    expired: Option<Date>,
    used: bool,
}

/// Sets the findings aside that directives allow, and adds findings for directives that allow nothing.
pub fn suppress(context: &Context, findings: Vec<Finding>) -> Linted {
    let (directives, malformed) = directives(context.text, context.script);
    let mut slips: Vec<Finding> = malformed
        .iter()
        .map(|it| {
            slip(
                context,
                it.span,
                Scope::Statement(None),
                format!("this directive is not understood: expected {}", it.expected),
            )
        })
        .collect();
    let mut allowances = Vec::new();
    for directive in &directives {
        allow(context, directive, &mut allowances, &mut slips);
    }
    // The narrowest directive is the one that is used.
    allowances.sort_by_key(|it| it.scope == Scope::File);
    let mut linted = Linted::default();
    for finding in findings {
        match allowances.iter_mut().find(|it| it.covers(&finding)) {
            Some(allowance) => {
                allowance.used = true;
                linted.suppressed.push((finding, allowance.reason.clone()));
            }
            None => linted.findings.push(finding),
        }
    }
    slips.extend(allowances.iter().filter_map(|it| it.unused(context)));
    let Some(level) = context.settings.level(&RULE.info) else { return linted };
    for mut finding in slips {
        finding.level = level.unwrap_or(finding.level);
        match allowances.iter().find(|it| it.covers(&finding)) {
            Some(allowance) => linted.suppressed.push((finding, allowance.reason.clone())),
            None => linted.findings.push(finding),
        }
    }
    linted
}

/// Reads the names of a directive.
fn allow(context: &Context, directive: &Directive, allowances: &mut Vec<Allowance>, slips: &mut Vec<Finding>) {
    let expired = directive.until.filter(|until| context.settings.today.is_some_and(|today| today > *until));
    let new = |rules: Vec<&'static str>, span: Span| Allowance {
        tool: directive.tool,
        scope: directive.scope,
        rules,
        span,
        reason: directive.reason.clone().unwrap_or_default(),
        expired,
        used: false,
    };
    if directive.names.is_empty() {
        allowances.push(new(Vec::new(), directive.span));
    }
    for name in &directive.names {
        let theirs = |table| aliases::rules(table, &name.text).to_vec();
        let rules = match directive.tool {
            Tool::Safestep => crate::find(&name.text).map(|rule| rule.info.name).into_iter().collect(),
            Tool::Squawk => theirs(SQUAWK),
            Tool::Eugene => theirs(EUGENE),
            Tool::Atlas => theirs(ATLAS),
        };
        if !rules.is_empty() {
            allowances.push(new(rules, name.span));
        } else if directive.tool == Tool::Safestep {
            let message = format!("no rule is called {}", name.text);
            let finding = slip(context, name.span, directive.scope, message);
            slips.push(match meant(&name.text) {
                Some(note) => finding.note(note),
                None => finding,
            });
        }
    }
}

/// What the author of an unknown name had in mind.
fn meant(name: &str) -> Option<String> {
    for (tool, table) in [("squawk", SQUAWK), ("eugene", EUGENE), ("Atlas", ATLAS)] {
        let rules = aliases::rules(table, name);
        if !rules.is_empty() {
            return Some(format!("That is a name of {tool}; here it is {}", crate::facts::list(rules)));
        }
    }
    let distance = |rule: &&&crate::Rule| strsim::damerau_levenshtein(name, rule.info.name);
    let nearest = ALL.iter().min_by_key(distance)?;
    let near = distance(&nearest) <= 1 + name.len() / 4;
    near.then(|| format!("Did you mean {}?", nearest.info.name))
}

impl Allowance {
    fn covers(&self, finding: &Finding) -> bool {
        let here = match self.scope {
            Scope::File => true,
            Scope::Statement(statement) => statement == Some(finding.statement),
        };
        let named = self.rules.is_empty() || self.rules.contains(&finding.rule.name);
        here && named && self.expired.is_none()
    }

    /// Directives for other tools may be of use to them.
    fn unused(&self, context: &Context) -> Option<Finding> {
        let rule = self.rules.first().copied().and_then(crate::find)?;
        let off = context.settings.level(&rule.info).is_none();
        if self.used || off || self.tool != Tool::Safestep || rule.info.name == RULE.info.name {
            return None;
        }
        let message = match (self.expired, self.scope) {
            (Some(Date { year, month, day }), _) => {
                format!("this has allowed {} until {year}-{month:02}-{day:02}, which is past", rule.info.name)
            }
            (None, Scope::File) => format!("nothing in this file is reported as {}", rule.info.name),
            (None, Scope::Statement(_)) => format!("this statement is not reported as {}", rule.info.name),
        };
        Some(slip(context, self.span, self.scope, message).note("Remove it"))
    }
}

fn slip(context: &Context, span: Span, scope: Scope, message: String) -> Finding {
    let next = context.script.statements.partition_point(|it| it.end < span.start);
    Finding {
        rule: &RULE.info,
        level: RULE.info.level,
        statement: match scope {
            Scope::Statement(Some(statement)) => statement,
            Scope::Statement(None) | Scope::File => next,
        },
        span,
        message,
        notes: Vec::new(),
        related: Vec::new(),
        operations: Vec::new(),
    }
}
