//! The command line, as `--help` tells it.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Finds PostgreSQL migrations that would hurt a live database, and rewrites them into safe steps.
#[derive(Debug, Parser)]
#[command(
    name = "safestep",
    version,
    max_term_width = 100,
    after_help = "\
Exit codes: 0 nothing to report, 1 findings, 2 the command could not do its work.
Configuration: safestep.toml in the directory of the migrations or above it."
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Report what would hurt; with --fix, rewrite it
    Lint(Lint),
    /// Show each statement's transaction, locks, work and what they block
    Explain(Explain),
    /// Show the steps that --fix would write, with the locks before and after
    Plan(Plan),
    /// List the rules, or explain one
    Rule(Rule),
    /// Run the language server on standard input and output
    Lsp(Lsp),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Args)]
pub struct Lint {
    #[command(flatten)]
    pub input: Input,
    /// Of PATHS, judge only what is found without them: migrations that are not applied yet
    #[arg(long, help_heading = "Judging")]
    pub pending: bool,
    /// Rewrite what can be rewritten: `safe` keeps the result and needs no assumption, `unsafe` needs one that is printed,
    /// `plan` needs application deploys between the files, which no rewrite does so far
    #[arg(long, value_name = "CLASS", num_args = 0..=1, require_equals = true, default_missing_value = "safe", help_heading = "Rewriting")]
    pub fix: Option<FixClass>,
    /// With --fix: show the changes, write nothing
    #[arg(long, help_heading = "Rewriting")]
    pub diff: bool,
    /// Migrations that are already applied, too: judged without PATHS, and rewritten
    #[arg(long, help_heading = "Rewriting")]
    pub all_files: bool,
    /// How to print
    #[arg(long, default_value = "text", value_parser = formats(), help_heading = "Output")]
    pub format: String,
    /// The lowest level that makes the exit code 1
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "Output")]
    pub fail_on: Option<FailOn>,
    #[command(flatten)]
    pub terminal: Terminal,
}

#[derive(Debug, Args)]
pub struct Explain {
    #[command(flatten)]
    pub input: Input,
    /// With --format html or svg: draw also what --fix of that class would run instead; html does so for `safe` unasked
    #[arg(long, value_name = "CLASS", num_args = 0..=1, require_equals = true, default_missing_value = "safe", help_heading = "Rewriting")]
    pub fix: Option<FixClass>,
    /// How to print; several migrations make one document, each below the one before
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text, help_heading = "Output")]
    pub format: ExplainFormat,
    #[command(flatten)]
    pub terminal: Terminal,
}

#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub input: Input,
    /// The highest class of rewriting to plan with
    #[arg(long, value_enum, value_name = "CLASS", default_value_t = FixClass::Safe, help_heading = "Rewriting")]
    pub fix: FixClass,
    #[arg(long, value_enum, default_value_t = TextOrJson::Text, help_heading = "Output")]
    pub format: TextOrJson,
    #[command(flatten)]
    pub terminal: Terminal,
}

#[derive(Debug, Args)]
pub struct Rule {
    /// The rule to explain; without it all rules are listed
    pub name: Option<String>,
    #[arg(long, value_enum, default_value_t = TextOrJson::Text, help_heading = "Output")]
    pub format: TextOrJson,
}

#[derive(Debug, Args)]
pub struct Lsp {
    /// Accepted for editors that insist on naming the transport
    #[arg(long, hide = true)]
    pub stdio: bool,
}

/// Which migrations, and how they run.
#[derive(Clone, Debug, Args)]
pub struct Input {
    /// Files or directories; `-` is standard input. Without any: the migrations that are not applied yet
    pub paths: Vec<PathBuf>,
    /// The name that standard input is judged under
    #[arg(long, value_name = "NAME", help_heading = "Judging")]
    pub stdin_filename: Option<PathBuf>,
    /// The migration tool that runs the files; found out by default
    #[arg(long, help_heading = "Judging")]
    pub tool: Option<String>,
    /// The PostgreSQL majors in use, as `16` or `14-18`
    #[arg(long, value_name = "N[-M]", help_heading = "Judging")]
    pub pg_version: Option<String>,
    /// What counts as applied: the migrations of this git revision
    #[arg(long, value_name = "REV", help_heading = "Judging")]
    pub since: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct Terminal {
    /// Colours
    #[arg(long, value_enum, default_value_t = Color::Auto, help_heading = "Output")]
    pub color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FixClass {
    Safe,
    Unsafe,
    Plan,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// for people
    Text,
    /// everything, for programs
    Json,
    /// the locks over time, as a picture
    Svg,
    /// a page with the pictures, before and after, and tables
    Html,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Error,
    Warning,
    Info,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// The formats that `diagnostics` knows, with its words for them.
fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(
        diagnostics::FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about)),
    )
}
