//! The locks over time: down go the statements, each relation is a lane, shades say who waits.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write;

use model::effect::Work;
use model::name::QName;
use model::schema::Born;
use model::trace::{Transaction, Until};

use super::{Group, View, fails_here, lane_of};
use crate::draw::{self, Ink};
use crate::locks::{self, Shade};

/// Columns of a lane: two of shade, one for the work, one free.
const LANE: usize = 4;

/// Columns that the statements keep beside the lanes.
const STATEMENT: usize = 28;

pub(super) fn draw(out: &mut String, view: &View) {
    let left = view.digits + 4;
    let lanes = Lanes::of(view, (view.style.width - left - STATEMENT) / LANE);
    if lanes.relations.is_empty() {
        return;
    }
    draw_names(out, view, left, &lanes.relations);
    let mut drawn = Vec::new();
    for group in &view.groups {
        let cells = lanes.cells(view, group.first);
        draw_group(out, view, group, left, &cells);
        drawn.extend(cells);
    }
    out.push('\n');
    draw_legend(out, view, &drawn);
    if lanes.weaker > 0 {
        let _ = writeln!(out, "not drawn: {} with weaker locks", draw::count(lanes.weaker, "relation"));
    }
    if lanes.new > 0 {
        let _ = writeln!(out, "not drawn: {}, which nobody uses yet", draw::count(lanes.new, "new relation"));
    }
    out.push('\n');
}

/// Who waits for a relation while a statement runs, and the work that the statement does there.
#[derive(Clone, Copy)]
struct Cell {
    shade: Shade,
    work: Option<Work>,
}

/// The relations in the picture.
struct Lanes<'a> {
    /// In order of appearance.
    relations: Vec<&'a QName>,
    /// Left out for want of room.
    weaker: usize,
    /// Left out because they were created here.
    new: usize,
}

impl<'a> Lanes<'a> {
    /// At most so many relations, those with the strongest locks.
    fn of(view: &View<'a>, room: usize) -> Self {
        let mut worst: Vec<(&QName, Shade)> = Vec::new();
        let mut numbers: HashMap<&QName, usize> = HashMap::new();
        // What a later statement holds, an earlier one took, or the file began with.
        let held = view.statements.first().into_iter().flat_map(|(_, judged)| judged.held().values());
        for effect in held.chain(view.statements.iter().flat_map(|(_, judged)| &judged.effects)) {
            let number = *numbers.entry(lane_of(effect)).or_insert_with(|| {
                worst.push((lane_of(effect), Shade::Idle));
                worst.len() - 1
            });
            if effect.born == Born::Before {
                worst[number].1 = worst[number].1.max(Shade::of(effect));
            }
        }
        let met = worst.len();
        worst.retain(|(_, shade)| *shade > Shade::Idle);
        let old = worst.len();
        let mut order: Vec<usize> = (0..old).collect();
        order.sort_by_key(|index| Reverse(worst[*index].1));
        order.truncate(room);
        order.sort_unstable();
        let relations = order.into_iter().map(|index| worst[index].0).collect::<Vec<_>>();
        Self { weaker: old - relations.len(), new: met - old, relations }
    }

    fn cells(&self, view: &View, statement: usize) -> Vec<Cell> {
        let (_, judged) = view.statements[statement];
        let mut cells = vec![Cell { shade: Shade::Idle, work: None }; self.relations.len()];
        let number = |relation: &QName| self.relations.iter().position(|it| *it == relation);
        for effect in judged.held().values() {
            let Some(lane) = number(lane_of(effect)) else { continue };
            cells[lane].shade = cells[lane].shade.max(Shade::of(effect));
        }
        for effect in &judged.effects {
            let Some(lane) = number(lane_of(effect)) else { continue };
            let cell = &mut cells[lane];
            cell.shade = cell.shade.max(Shade::of(effect));
            if effect.born == Born::Before && locks::work(effect).is_some() {
                cell.work = cell.work.max(Some(effect.work));
            }
        }
        cells
    }
}

/// Each name stands above its lane, one line each, so that long names need no more room than short ones.
fn draw_names(out: &mut String, view: &View, left: usize, relations: &[&QName]) {
    let style = view.style;
    let lane = draw::pad(&Shade::Idle.glyph(style).to_string(), LANE);
    for (index, relation) in relations.iter().enumerate() {
        out.extend(std::iter::repeat_n(' ', left));
        draw::paint(out, style, Ink::Faint, &lane.repeat(index));
        let width = style.width - left - index * LANE;
        draw::paint(out, style, Ink::Bold, &draw::clip(&relation.to_string(), width, style));
        out.push('\n');
    }
    out.extend(std::iter::repeat_n(' ', left));
    draw::paint(out, style, Ink::Faint, lane.repeat(relations.len()).trim_end());
    out.push('\n');
}

fn draw_group(out: &mut String, view: &View, group: &Group, left: usize, cells: &[Cell]) {
    let style = view.style;
    let width = style.width - left - cells.len() * LANE - 1;
    let mut row = |number: &str, last: bool, ink, text: &str| {
        let bracket = bracket(view, group, last);
        draw::paint(out, style, Ink::Faint, &format!("{number:>digits$} {bracket}  ", digits = view.digits));
        for cell in cells {
            let glyph = cell.shade.glyph(style);
            let second = if cell.shade == Shade::Idle { ' ' } else { glyph };
            draw::paint(out, style, cell.shade.ink(), &format!("{glyph}{second}"));
            draw::paint(out, style, Ink::Bold, &cell.work.map_or(' ', letter).to_string());
            out.push(' ');
        }
        out.push(' ');
        draw::paint(out, style, ink, text);
        out.truncate(out.trim_end().len());
        out.push('\n');
    };
    let ink = if fails_here(view.statements[group.first].1) { Ink::Red } else { Ink::Plain };
    let number = view.line(group.first).to_string();
    row(&number, group.length == 1, ink, &view.one_line(group.first, width));
    if group.length > 1 {
        row("", true, Ink::Faint, &format!("{} more like it", group.length - 1));
    }
}

/// What binds the statements of a transaction together.
fn bracket(view: &View, group: &Group, last_row: bool) -> char {
    let transaction = |statement: usize| view.statements.get(statement).map(|(_, judged)| judged.transaction);
    let this = transaction(group.first);
    let together =
        |other: Option<Transaction>| this.zip(other).is_some_and(|(a, b)| a.id == b.id && a.until != Until::Statement);
    let within = group.length > 1 && together(this);
    let before = within && last_row || group.first > 0 && together(transaction(group.first - 1));
    let after = within && !last_row || together(transaction(group.first + group.length));
    let (unicode, ascii) = match (this.and_then(|it| it.inside), before, after) {
        (_, false, false) => (' ', ' '),
        (None, ..) => ('┆', ':'),
        (_, false, true) => ('╭', '/'),
        (_, true, true) => ('│', '|'),
        (_, true, false) => ('╰', '\\'),
    };
    if view.style.unicode { unicode } else { ascii }
}

fn draw_legend(out: &mut String, view: &View, drawn: &[Cell]) {
    let style = view.style;
    let shades = Shade::DRAWN.into_iter().filter(|shade| drawn.iter().any(|cell| cell.shade == *shade));
    for (index, shade) in shades.enumerate() {
        out.push_str(if index == 0 { "" } else { "   " });
        draw::paint(out, style, shade.ink(), &shade.glyph(style).to_string().repeat(2));
        let _ = write!(out, " {}", shade.meaning());
    }
    let works = [Work::Scan, Work::Build, Work::Rewrite, Work::Rows];
    let works = works.into_iter().filter(|work| drawn.iter().any(|cell| cell.work == Some(*work)));
    for (index, work) in works.enumerate() {
        out.push_str(if index == 0 { "\n" } else { "   " });
        draw::paint(out, style, Ink::Bold, &letter(work).to_string());
        out.push_str(match work {
            Work::Instant => " nothing that grows",
            Work::Rows => " rows written",
            Work::Scan => " all rows read",
            Work::Build => " index built",
            Work::Rewrite => " all rows copied",
        });
    }
    out.push('\n');
}

fn letter(work: Work) -> char {
    match work {
        Work::Instant => ' ',
        Work::Rows => 'r',
        Work::Scan => 's',
        Work::Build => 'b',
        Work::Rewrite => 'c',
    }
}
