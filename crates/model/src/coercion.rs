//! Types: what a name stands for, what a change of type costs, which index survives it.

use std::borrow::Cow;

use syntax::ast::{Expr, TypeName};

use crate::expr::placeless_type;
use crate::name::QName;
use crate::schema::{Schema, TypeKind};

/// Where type names are looked up.
#[derive(Clone, Copy, Debug)]
pub struct Types<'a> {
    pub schema: &'a Schema,
    pub search_path: &'a [String],
}

/// How a value of one type becomes one of another. The greater is the dearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// The bytes stay: no coercion, or a relabelling.
    Free,
    /// timestamp and timestamptz have the same bytes when the session's time zone is UTC.
    TimeZone,
    /// Every value is computed anew.
    Work,
    /// PostgreSQL has no such cast.
    Impossible,
}

/// What ALTER COLUMN TYPE means for one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub path: Path,
    /// An index on the column has another default operator class, so it is built again.
    pub other_operators: bool,
}

impl Types<'_> {
    /// The type with aliases resolved: built-in types without schema, others with the schema that has them. A type that
    /// nothing is known of keeps its name as written.
    #[must_use]
    pub fn resolve(&self, ty: &TypeName) -> TypeName {
        let mut resolved = placeless_type(ty);
        if is_built_in(&resolved) {
            resolved.schema = None;
            return resolved;
        }
        let found = match &resolved.schema {
            Some(_) => None,
            None => self.search_path.iter().find(|schema| self.exists(&QName::new(schema, &resolved.name))).cloned(),
        };
        resolved.schema = resolved.schema.or(found);
        resolved
    }

    /// Whether the history tells of a type that is not built in.
    #[must_use]
    pub fn is_known(&self, ty: &TypeName) -> bool {
        let in_schema = |schema: &str| self.exists(&QName::new(schema, &ty.name));
        match &ty.schema {
            Some(schema) => in_schema(schema),
            None => self.search_path.iter().any(|schema| in_schema(schema)),
        }
    }

    /// Every table has a row type of its name.
    fn exists(&self, name: &QName) -> bool {
        self.schema.types.contains_key(name) || self.schema.relations.contains_key(name)
    }

    /// A domain's base type with the modifiers it adds, and whether any level of it has constraints
    /// (DomainHasConstraints, typcache.c).
    #[must_use]
    pub fn domain(&self, ty: &TypeName) -> Option<(TypeName, bool)> {
        if ty.array {
            return None;
        }
        let TypeKind::Domain { base, not_null, constraints, .. } = &self.kind(ty)? else { return None };
        let base = self.resolve(base);
        let own = *not_null || !constraints.is_empty();
        Some(match self.domain(&base) {
            Some((deeper, constrained)) => (deeper, own || constrained),
            None => (base, own),
        })
    }

    /// The default that a domain brings along.
    #[must_use]
    pub fn domain_default(&self, ty: &TypeName) -> Option<&Expr> {
        match self.kind(ty)? {
            TypeKind::Domain { default: Some(default), .. } => Some(&default.expr),
            TypeKind::Domain { base, .. } => self.domain_default(&self.resolve(base)),
            _ => None,
        }
    }

    #[must_use]
    pub fn kind(&self, ty: &TypeName) -> Option<&TypeKind> {
        let name = QName::new(ty.schema.as_deref()?, &ty.name);
        self.schema.types.get(&name).map(|it| &it.kind)
    }

    /// Whether a type certainly has no default operator class for an access method (pg_opclass.dat).
    #[must_use]
    pub fn lacks_operators(&self, ty: &TypeName, method: &str) -> bool {
        let base = self.domain(ty).map_or_else(|| ty.clone(), |(base, _)| base);
        if base.array || !is_built_in(&base) {
            return false;
        }
        let without = |extension: &str| self.schema.is_complete() && !self.schema.extensions.contains_key(extension);
        let name = base.name.as_str();
        let unordered = matches!(
            name,
            "json" | "xml" | "point" | "line" | "lseg" | "box" | "path" | "polygon" | "circle" | "jsonpath"
        );
        match method {
            "btree" => unordered || matches!(name, "xid" | "cid"),
            "hash" => unordered || matches!(name, "bit" | "varbit" | "money" | "tsvector" | "tsquery"),
            "gin" => !matches!(name, "jsonb" | "tsvector") && without("btree_gin"),
            "gist" => {
                !name.ends_with("range")
                    && !matches!(name, "box" | "point" | "polygon" | "circle" | "tsvector" | "tsquery")
                    && without("btree_gist")
            }
            _ => false,
        }
    }

    /// What changing a column's type costs (ATPrepAlterColumnType and ATColumnChangeRequiresRewrite, tablecmds.c). `using`
    /// is the expression of USING over the column called `column`; both types are resolved.
    #[must_use]
    pub fn change(&self, old: &TypeName, new: &TypeName, column: &str, using: Option<&Expr>) -> Change {
        let other_operators = self.operators(old) != self.operators(new);
        let path = match using {
            None => self.coerce(old, new, false),
            Some(using) => match self.source(using, column, old) {
                Some((ty, path)) => path.max(self.coerce(&ty, new, false)),
                None => Path::Work,
            },
        };
        Change { path, other_operators }
    }

    /// An expression that is nothing but casts over the column: its type, and what the casts cost.
    fn source(&self, expr: &Expr, column: &str, ty: &TypeName) -> Option<(TypeName, Path)> {
        match expr {
            Expr::Column(parts) if parts.last().is_some_and(|name| name == column) => Some((ty.clone(), Path::Free)),
            Expr::Collate { operand, .. } => self.source(operand, column, ty),
            Expr::Cast { operand, ty: target } => {
                let (from, path) = self.source(operand, column, ty)?;
                let target = self.resolve(target);
                let step = self.coerce(&from, &target, true);
                Some((target, path.max(step)))
            }
            _ => None,
        }
    }

    /// The dearest step of a coercion (coerce_to_target_type, parse_coerce.c, simplified as expression_planner does). An
    /// assignment allows fewer casts than an explicit one.
    #[must_use]
    pub fn coerce(&self, from: &TypeName, to: &TypeName, explicit: bool) -> Path {
        if same_type(from, to) {
            return modifiers(to, &from.modifiers, &to.modifiers);
        }
        if let Some((base, constrained)) = self.domain(to) {
            let inner = self.coerce(from, &base, explicit);
            return if constrained { inner.max(Path::Work) } else { inner };
        }
        if let Some((base, _)) = self.domain(from) {
            // A value of a domain tells of no modifiers: a column of one has atttypmod -1 (exprTypmod, nodeFuncs.c).
            return self.coerce(&TypeName { modifiers: Vec::new(), ..base }, to, explicit);
        }
        let known = |ty: &TypeName| is_built_in(ty) || ty.name == "citext" || self.is_enum(ty);
        let cast = match (from.array, to.array) {
            (true, true) => match self.coerce(&element(from), &element(to), explicit) {
                Path::Impossible => Path::Impossible,
                _ => Path::Work,
            },
            (false, false) => cast(&from.name, &to.name, explicit, known(from) && known(to)),
            (true, false) if is_string(&to.name) => Path::Work,
            (false, true) if is_string(&from.name) && explicit => Path::Work,
            _ if known(from) && known(to) => Path::Impossible,
            _ => Path::Work,
        };
        // The relabelled value has lost its old modifiers.
        cast.max(modifiers(to, &[], &to.modifiers))
    }

    fn is_enum(&self, ty: &TypeName) -> bool {
        matches!(self.kind(ty), Some(TypeKind::Enum { .. }))
    }

    /// What identifies the default operator class of a type: text serves varchar and inet serves cidr; the class of arrays,
    /// enums and ranges is polymorphic, so that there the type itself counts (CheckIndexCompatible, indexcmds.c).
    #[must_use]
    pub fn operators(&self, ty: &TypeName) -> (String, bool) {
        let base = self.domain(ty).map_or_else(|| ty.clone(), |(base, _)| base);
        let name = match base.name.as_str() {
            "varchar" if !base.array => "text",
            "cidr" if !base.array => "inet",
            name => name,
        };
        (name.to_owned(), base.array)
    }
}

fn same_type(a: &TypeName, b: &TypeName) -> bool {
    a.name == b.name && a.array == b.array && a.schema == b.schema
}

fn element(ty: &TypeName) -> TypeName {
    TypeName { array: false, ..ty.clone() }
}

/// Whether giving a value other modifiers is more than a relabelling: the support functions of the length coercions
/// (varchar_support, numeric_support, timestamp_support, ...). No modifier means no coercion.
fn modifiers(ty: &TypeName, old: &[i64], new: &[i64]) -> Path {
    let free = new.is_empty()
        || old == new
        || !ty.array
            && match ty.name.as_str() {
                "varchar" | "varbit" => old.first().is_some_and(|old| *old <= new[0]),
                "numeric" => {
                    let scale = |modifiers: &[i64]| modifiers.get(1).copied().unwrap_or(0);
                    old.first().is_some_and(|precision| *precision <= new[0] && scale(old) == scale(new))
                }
                "timestamp" | "timestamptz" | "time" | "timetz" => {
                    new[0] >= 6 || old.first().is_some_and(|old| *old <= new[0])
                }
                "interval" => interval(old, new),
                _ => false,
            };
    if free { Path::Free } else { Path::Work }
}

/// interval_support, timestamp.c: the smallest field may go down while the precision of seconds does not. The first
/// modifier is the mask of fields, the second the precision.
fn interval(old: &[i64], new: &[i64]) -> bool {
    const FULL_RANGE: i64 = 0x7FFF;
    /// Bits of SECOND, MINUTE, HOUR, DAY, MONTH, YEAR in a mask (INTERVAL_MASK, timestamp.h; datetime.h).
    const FIELDS: [i64; 6] = [1 << 12, 1 << 11, 1 << 10, 1 << 3, 1 << 1, 1 << 2];
    let least = |modifiers: &[i64]| match modifiers.first() {
        None | Some(&FULL_RANGE) => 0,
        Some(mask) => FIELDS.iter().position(|field| mask & field != 0).unwrap_or(0),
    };
    let precision = |modifiers: &[i64]| modifiers.get(1).copied().unwrap_or(6);
    least(new) <= least(old) && (least(old) > 0 || precision(new) >= 6 || precision(new) >= precision(old))
}

/// Casts between different types, modifiers aside (pg_cast.dat). `known` tells that both types are, so that a cast that is
/// not here does not exist.
fn cast(from: &str, to: &str, explicit: bool, known: bool) -> Path {
    const REG: [&str; 11] = [
        "regclass",
        "regproc",
        "regprocedure",
        "regoper",
        "regoperator",
        "regtype",
        "regrole",
        "regnamespace",
        "regconfig",
        "regdictionary",
        "regcollation",
    ];
    let numbers = ["int2", "int4", "int8", "float4", "float8", "numeric"];
    let both = |list: &[&str]| list.contains(&from) && list.contains(&to);
    match (from, to) {
        ("text" | "varchar", "text" | "varchar" | "bpchar" | "citext")
        | ("citext", "text" | "varchar" | "bpchar")
        | ("xml", "text" | "varchar" | "bpchar")
        | ("cidr", "inet")
        | ("bit", "varbit")
        | ("varbit", "bit")
        | ("int4", "oid")
        | ("oid", "int4") => Path::Free,
        ("oid" | "int4", to) if REG.contains(&to) => Path::Free,
        (from, "oid" | "int4") if REG.contains(&from) => Path::Free,
        ("timestamp", "timestamptz") | ("timestamptz", "timestamp") => Path::TimeZone,
        _ if both(&numbers) => Path::Work,
        ("int4" | "int8" | "numeric", "money")
        | ("money", "numeric")
        | ("int2" | "int8", "oid")
        | ("oid", "int8")
        | ("date", "timestamp" | "timestamptz")
        | ("timestamp", "date" | "time")
        | ("timestamptz", "date" | "time" | "timetz")
        | ("time", "timetz" | "interval")
        | ("timetz" | "interval", "time")
        | ("json", "jsonb")
        | ("jsonb", "json")
        | ("inet", "cidr")
        | ("macaddr", "macaddr8")
        | ("macaddr8", "macaddr")
        | ("text" | "varchar" | "bpchar", "char")
        | ("text" | "varchar", "regclass") => Path::Work,
        // Any type has an assignment cast to strings and an explicit one from them, by way of its text.
        (_, to) if is_string(to) => Path::Work,
        (from, _) if is_string(from) && explicit => Path::Work,
        _ if !known => Path::Work,
        ("bool", "int4") | ("int4", "bool") | ("bit", "int4" | "int8") | ("int4" | "int8", "bit") if explicit => {
            Path::Work
        }
        ("jsonb", to) if explicit && (to == "bool" || numbers.contains(&to)) => Path::Work,
        ("int2" | "int4" | "int8", "bytea") | ("bytea", "int2" | "int4" | "int8") if explicit => Path::Work,
        _ if explicit => Path::Work,
        _ => Path::Impossible,
    }
}

/// The string category (pg_type.typcategory).
fn is_string(name: &str) -> bool {
    matches!(name, "text" | "varchar" | "bpchar" | "name" | "citext")
}

/// A built-in type without modifiers.
#[must_use]
pub fn plain(name: &str) -> TypeName {
    TypeName {
        schema: None,
        name: name.to_owned(),
        modifiers: Vec::new(),
        modifier_words: Vec::new(),
        array: false,
        setof: false,
        percent_type: false,
        span: syntax::Span::default(),
    }
}

/// Whether it is one of PostgreSQL's own types.
#[must_use]
pub fn is_built_in(ty: &TypeName) -> bool {
    match ty.schema.as_deref() {
        None | Some("pg_catalog") => BUILT_IN.contains(&ty.name.as_str()),
        Some(_) => false,
    }
}

const BUILT_IN: &[&str] = &[
    "bit",
    "bool",
    "box",
    "bpchar",
    "bytea",
    "char",
    "cid",
    "cidr",
    "circle",
    "date",
    "datemultirange",
    "daterange",
    "float4",
    "float8",
    "inet",
    "int2",
    "int2vector",
    "int4",
    "int4multirange",
    "int4range",
    "int8",
    "int8multirange",
    "int8range",
    "interval",
    "json",
    "jsonb",
    "jsonpath",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "numeric",
    "nummultirange",
    "numrange",
    "oid",
    "oidvector",
    "path",
    "pg_lsn",
    "pg_snapshot",
    "point",
    "polygon",
    "record",
    "refcursor",
    "regclass",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
    "text",
    "tid",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "tsvector",
    "uuid",
    "varbit",
    "varchar",
    "xid",
    "xid8",
    "xml",
];

/// The integer type behind a serial (transformColumnDefinition, parse_utilcmd.c).
#[must_use]
pub fn serial(ty: &TypeName) -> Option<&'static str> {
    if ty.schema.is_some() {
        return None;
    }
    match ty.name.as_str() {
        "smallserial" | "serial2" => Some("int2"),
        "serial" | "serial4" => Some("int4"),
        "bigserial" | "serial8" => Some("int8"),
        _ => None,
    }
}

/// A type as messages name it, without modifiers (format_type_be, format_type.c).
#[must_use]
pub fn describe(ty: &TypeName) -> String {
    let name: Cow<'_, str> = match ty.name.as_str() {
        name if ty.schema.is_some() => syntax::quote_ident(name).into(),
        "int2" => "smallint".into(),
        "int4" => "integer".into(),
        "int8" => "bigint".into(),
        "float4" => "real".into(),
        "float8" => "double precision".into(),
        "bool" => "boolean".into(),
        "varchar" => "character varying".into(),
        "bpchar" => "character".into(),
        "varbit" => "bit varying".into(),
        "timestamp" => "timestamp without time zone".into(),
        "timestamptz" => "timestamp with time zone".into(),
        "time" => "time without time zone".into(),
        "timetz" => "time with time zone".into(),
        "char" => "\"char\"".into(),
        name => name.into(),
    };
    if ty.array { format!("{name}[]") } else { name.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `varchar(50)`, `text[]`, `numeric(10,2)`.
    fn ty(text: &str) -> TypeName {
        let (text, array) = text.strip_suffix("[]").map_or((text, false), |text| (text, true));
        let (name, modifiers) = text.split_once('(').unwrap_or((text, ""));
        let modifiers = modifiers.trim_end_matches(')').split(',').filter_map(|it| it.parse().ok()).collect();
        TypeName {
            schema: None,
            name: name.into(),
            modifiers,
            modifier_words: Vec::new(),
            array,
            setof: false,
            percent_type: false,
            span: syntax::Span::default(),
        }
    }

    #[test]
    fn changes() {
        let schema = Schema::default();
        let types = Types { schema: &schema, search_path: &[] };
        let drawn: Vec<String> = "
            varchar(50) varchar(100); varchar(100) varchar(50); varchar(50) text; varchar text; varchar varchar(50); text varchar;
            text varchar(50); bpchar(10) bpchar(20); bpchar(10) varchar(10); int4 int8; int4 oid; numeric(10,2) numeric(12,2);
            numeric(10,2) numeric(12,3); numeric(10,2) numeric; numeric numeric(10,2); timestamp(3) timestamp(6);
            timestamp timestamp(6); timestamp timestamp(3); timestamp timestamptz; timestamp(3) timestamptz(3);
            cidr inet; inet cidr; bit(8) varbit; varbit(8) varbit(9); varchar(5)[] varchar[]; varchar(5)[] varchar(9)[];
            text[] varchar[]; text citext; text int4; bool int4; uuid text; json jsonb; date timestamptz; int4 geometry;
            interval(32767,3) interval(32767,6); interval(7176,3) interval; interval interval(32767,3); interval interval(6)"
            .split(';')
            .map(|pair| {
                let (old, new) = pair.trim().split_once(' ').expect("two types");
                let change = types.change(&ty(old), &ty(new), "c", None);
                let index = if change.other_operators { ", index" } else { "" };
                format!("{old} -> {new}: {:?}{index}", change.path)
            })
            .collect();
        expect_test::expect![[r#"
            varchar(50) -> varchar(100): Free
            varchar(100) -> varchar(50): Work
            varchar(50) -> text: Free
            varchar -> text: Free
            varchar -> varchar(50): Work
            text -> varchar: Free
            text -> varchar(50): Work
            bpchar(10) -> bpchar(20): Work
            bpchar(10) -> varchar(10): Work, index
            int4 -> int8: Work, index
            int4 -> oid: Free, index
            numeric(10,2) -> numeric(12,2): Free
            numeric(10,2) -> numeric(12,3): Work
            numeric(10,2) -> numeric: Free
            numeric -> numeric(10,2): Work
            timestamp(3) -> timestamp(6): Free
            timestamp -> timestamp(6): Free
            timestamp -> timestamp(3): Work
            timestamp -> timestamptz: TimeZone, index
            timestamp(3) -> timestamptz(3): Work, index
            cidr -> inet: Free
            inet -> cidr: Work
            bit(8) -> varbit: Free, index
            varbit(8) -> varbit(9): Free
            varchar(5)[] -> varchar[]: Free
            varchar(5)[] -> varchar(9)[]: Work
            text[] -> varchar[]: Work, index
            text -> citext: Free, index
            text -> int4: Impossible, index
            bool -> int4: Impossible, index
            uuid -> text: Work, index
            json -> jsonb: Work, index
            date -> timestamptz: Work, index
            int4 -> geometry: Work, index
            interval(32767,3) -> interval(32767,6): Free
            interval(7176,3) -> interval: Free
            interval -> interval(32767,3): Work
            interval -> interval(6): Work"#]]
        .assert_eq(&drawn.join("\n"));
    }
}
