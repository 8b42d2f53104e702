//! The timelines as a page: pictures before and after, and tables that tell the same to those who do not see them.

use std::fmt::Write;

use rules::Section;

use super::svg::{Picture, Theme, document, escape, style};
use super::{Column, Compared, Timeline};
use crate::{Assumed, Planned, Sources, draw};

/// One page with everything in it; it needs no script and no other file.
#[must_use]
pub fn html(compared: &[Compared], assumed: &Assumed, sources: &Sources) -> String {
    let mut body = String::new();
    let mut id = 0;
    let mut figure = |body: &mut String, timeline: Timeline, caption: &str| {
        id += 1;
        let table = table(&timeline);
        let picture = Picture::of(timeline, assumed);
        let svg =
            document(&format!("t{id}"), &picture.title, &picture.about, picture.width, picture.height, &picture.body);
        let _ = write!(
            body,
            "<h3>{caption}</h3>\n<figure tabindex=\"0\">\n{svg}</figure>\n<details>\n<summary>Statements as a table</summary>\n{table}</details>\n"
        );
    };
    for it in compared {
        let Some(first) = it.before.first() else { continue };
        let _ = writeln!(body, "<section>\n<h2>{}</h2>", escape(&draw::path_name(first.path)));
        for (index, section) in it.before.iter().enumerate() {
            let caption = match section.section {
                Section::Down => "Down",
                Section::Up if it.after.is_empty() => "As it is",
                Section::Up => "Before",
            };
            figure(&mut body, Timeline::of(&[*section], None, assumed, sources), caption);
            if index == 0 && !it.after.is_empty() {
                let flag = it.planned.map_or("--fix", |planned| draw::flag(planned.class));
                figure(
                    &mut body,
                    Timeline::of(&it.after, it.planned, assumed, &it.after_sources),
                    &format!("After {flag}"),
                );
            }
            if let Some(planned) = it.planned.filter(|_| index == 0) {
                conditions(&mut body, planned, sources);
            }
        }
        body.push_str("</section>\n");
    }
    if compared.is_empty() {
        body.push_str("<p>No migrations.</p>\n");
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Lock timelines</title>\n<style>\n{}{}</style>\n</head>\n<body>\n<h1>Lock timelines</h1>\n\
         <p>Migrations as run by {} on PostgreSQL {}, by Safestep.</p>\n{body}</body>\n</html>\n",
        include_str!("page.css"),
        style(Theme::Viewer),
        escape(&assumed.tool),
        draw::majors(assumed.postgres),
    )
}

/// What the rewrite rests on, and what it leaves.
fn conditions(body: &mut String, planned: &Planned, sources: &Sources) {
    let provided = planned.assumptions.iter().map(|it| format!("Provided: {it}"));
    let kept = planned.withheld.iter().map(|it| {
        let line = draw::line(sources.get(&planned.path), it.span.start);
        format!("Line {line} is kept as it is: {}", it.reason)
    });
    let lines: Vec<String> = provided.chain(kept).collect();
    if !lines.is_empty() {
        body.push_str("<ul>\n");
        for line in lines {
            let _ = writeln!(body, "<li>{}</li>", escape(&line));
        }
        body.push_str("</ul>\n");
    }
}

fn table(timeline: &Timeline) -> String {
    let mut out = String::from(
        "<table>\n<thead><tr><th>Line</th><th>Statement</th><th>Transaction</th><th>Effect</th></tr></thead>\n",
    );
    for file in &timeline.files {
        out.push_str("<tbody>\n");
        if timeline.files.len() > 1 {
            let deploy = file.after_deploy.as_ref().map(|reason| format!(", only after a deploy: {reason}"));
            let _ = writeln!(
                out,
                "<tr><th colspan=\"4\">{}{}</th></tr>",
                escape(&file.path),
                escape(&deploy.unwrap_or_default())
            );
        }
        for at in file.columns.clone() {
            let transaction = timeline.transactions.iter().find(|it| it.columns.contains(&at));
            let transaction = transaction.map_or("", |it| &it.words);
            row(&mut out, &timeline.columns[at], transaction);
        }
        out.push_str("</tbody>\n");
    }
    out.push_str("</table>\n");
    out
}

fn row(out: &mut String, column: &Column, transaction: &str) {
    let more = if column.count > 1 { format!("<br>and {} more like it", column.count - 1) } else { String::new() };
    let mut facts = String::new();
    for (label, text) in &column.facts {
        let _ = if label.is_empty() {
            write!(facts, "<br>{}", escape(text))
        } else {
            write!(facts, "{}<b>{label}</b> {}", if facts.is_empty() { "" } else { "<br>" }, escape(text))
        };
    }
    let class = if column.hurts || column.fails { " class=\"bad\"" } else { "" };
    let _ = writeln!(
        out,
        "<tr{class}><td>{}</td><td><code>{}</code>{more}</td><td>{}</td><td>{facts}</td></tr>",
        column.line,
        escape(&column.sql),
        escape(transaction)
    );
}
