//! What must hold for the files of a rewrite before anybody is shown them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::effect::Failure;
use model::name::QName;
use model::schema::{Born, Schema};
use rules::Level;

use crate::findings::Found;
use crate::view::{FileView, HistoryView};

/// What does not hold for the files of a rewrite.
pub(crate) struct Broken {
    pub why: String,
    /// Where, if that is known.
    pub relations: BTreeSet<QName>,
    /// The statement of a Down section that fails.
    pub undoing: Option<Arc<str>>,
}

impl From<String> for Broken {
    fn from(why: String) -> Self {
        Self { why, relations: BTreeSet::new(), undoing: None }
    }
}

/// What must hold before a rewrite is shown to anybody.
pub(crate) fn prove(file: &FileView, found: &Found, after: &HistoryView, after_found: &[Found]) -> Result<(), Broken> {
    let original = &file.sections[0].trace;
    let already = file.sections.iter().flat_map(|section| &section.trace.judged);
    let already: Vec<&Failure> = already.filter_map(|judged| judged.fails.as_ref()).collect();
    let known =
        |failure: &Failure| already.iter().any(|it| it.sqlstate == failure.sqlstate && it.message == failure.message);
    for (at, section) in after.files.iter().flat_map(|new| new.sections.iter().enumerate()) {
        // What a statement misses counts as a gap of the history and not as a failure, but the original shows no such gap.
        let complete = file.sections.get(at).is_some_and(|it| it.trace.after.complete) && section.trace.before.complete;
        let fails = |judged: &model::trace::Judged| {
            let certain = |it: &&Failure| it.is_certain(judged.transaction.inside == Some(true)) && !known(it);
            let misses =
                || (complete && !judged.before().complete).then(|| "it names what is not there by then".to_owned());
            judged.fails.as_ref().filter(certain).map(|it| it.message.clone()).or_else(misses)
        };
        let failing = |(index, judged)| Some((index, judged, fails(judged)?));
        if let Some((index, judged, message)) = section.trace.judged.iter().enumerate().find_map(failing) {
            let part = if at == 0 { "a statement" } else { "a statement of its Down section" };
            let why = format!("{part} would fail after the rewrite: {message}");
            let operated = judged.operations.iter().filter_map(|it| it.relation.clone());
            let locked = judged.effects.iter().flat_map(|it| it.on.iter().chain([&it.relation]).cloned());
            let statement = section.script.statements.get(index).filter(|_| at > 0);
            let undoing = statement.map(|it| it.parsed.text.clone());
            return Err(Broken { why, relations: operated.chain(locked).collect(), undoing });
        }
    }
    let differences =
        rewrite::equivalence::differences(&as_later(file, &original.after), &as_later(file, &after.latest));
    if let Some(difference) = differences.first() {
        return Err(format!("the files would not leave the same schema: {difference}").into());
    }
    // An exact inverse may come nearer to where it all began than the original.
    let undone = undone_otherwise(file, after);
    if let Some((difference, _)) = undone.iter().find(|(_, nearer)| !nearer) {
        return Err(format!("their Down sections would not leave the same schema: {difference}").into());
    }
    let (before, now) = (levels(&found.findings), levels(after_found.iter().flat_map(|found| &found.findings)));
    if now >= before {
        return Err(
            "the files would have as many findings as the original; split it by hand if that is better all the same"
                .to_owned()
                .into(),
        );
    }
    // A statement that stays may now hurt by itself where it hurt as part of something worse; a new one must not, save where it
    // stands for a part of a statement and hurts as that did. A Down section is only divided.
    let original_findings = &found.findings;
    let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (_, finding) in original_findings {
        *known.entry((finding.rule.name, &finding.message)).or_default() += 1;
    }
    let texts = file.sections.iter().flat_map(|section| section.script.statements.iter().map(|it| &it.parsed.text));
    let kept = |text: &str| texts.clone().any(|it| &**it == text);
    for (new, found) in after.files.iter().zip(after_found) {
        for (section, finding) in found.findings.iter().filter(|(_, finding)| finding.level == Level::Error) {
            let statement = new.sections[*section].script.statements.get(finding.statement);
            let known = known.get_mut(&(finding.rule.name, &*finding.message)).filter(|count| **count > 0);
            let known = known.map(|count| *count -= 1);
            let alike = |(at, it): &(usize, rules::Finding)| *at > 0 && it.rule.name == finding.rule.name;
            let divided = *section > 0 && original_findings.iter().any(alike);
            if known.is_none() && !divided && !statement.is_some_and(|it| kept(&it.parsed.text)) {
                return Err(format!("the files would have an error of their own ({})", finding.rule.name).into());
            }
        }
    }
    Ok(())
}

fn as_later(file: &FileView, schema: &Schema) -> Schema {
    schema.aged(&file.sections[0].trace.before, Born::Before)
}

/// How what the Down sections leave differs from what that of the original leaves, and whether that is as it was before all.
fn undone_otherwise(file: &FileView, after: &HistoryView) -> Vec<(String, bool)> {
    let down = file.sections.get(1).filter(|down| down.trace.judged.iter().all(|judged| judged.fails.is_none()));
    let last = after.files.first().and_then(|file| file.sections.get(1));
    let (Some(down), Some(last)) = (down, last) else { return Vec::new() };
    let now = as_later(file, &last.trace.after);
    let differences = |other| rewrite::equivalence::differences(&as_later(file, other), &now);
    let unlike_before = differences(&file.sections[0].trace.before);
    let nearer = |it: &str| !unlike_before.iter().any(|other| subject(other) == subject(it));
    let differences = differences(&down.trace.after);
    differences.into_iter().map(|it| (nearer(&it), it)).map(|(nearer, it)| (it, nearer)).collect()
}

/// What the original's Down section leaves that the Down sections of its rewrite undo all the same, as a phrase.
pub(crate) fn undone_beyond(file: &FileView, after: &HistoryView) -> Option<String> {
    let undone = undone_otherwise(file, after);
    let subjects: BTreeSet<&str> = undone.iter().map(|(difference, _)| subject(difference)).collect();
    let few: Vec<&str> = subjects.iter().copied().take(3).collect();
    let more = subjects.len() - few.len();
    match few.is_empty() {
        true => None,
        false if more == 0 => Some(few.join(", ")),
        false => Some(format!("{} and {more} more", few.join(", "))),
    }
}

/// What a difference is about: what stands before its verb.
fn subject(difference: &str) -> &str {
    let verb = [" differ", " exists", " is "].iter().filter_map(|verb| difference.find(verb)).min();
    &difference[..verb.unwrap_or(difference.len())]
}

/// How many errors, warnings and infos there are: the smaller, the better.
pub(crate) fn levels<'a>(findings: impl IntoIterator<Item = &'a (usize, rules::Finding)>) -> [usize; 3] {
    let mut levels = [0; 3];
    for (_, finding) in findings {
        levels[match finding.level {
            Level::Error => 0,
            Level::Warning => 1,
            Level::Info => 2,
        }] += 1;
    }
    levels
}
