//! Qualified names as the catalogs keep them.

use std::fmt;
use std::sync::Arc;

use syntax::ast::Name;

/// A schema-qualified name. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QName {
    pub schema: Arc<str>,
    pub name: Arc<str>,
}

impl QName {
    #[must_use]
    pub fn new(schema: &str, name: &str) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// A name as written, with the schema where an unqualified name is created.
    #[must_use]
    pub fn of(name: &Name, default_schema: &str) -> Self {
        Self::new(name.schema.as_deref().unwrap_or(default_schema), &name.name)
    }

    /// Another name in the same schema.
    #[must_use]
    pub fn sibling(&self, name: &str) -> Self {
        Self { schema: self.schema.clone(), name: name.into() }
    }
}

/// As a user writes it: quoted only where needed, without `public`.
impl fmt::Display for QName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if &*self.schema != "public" {
            write!(f, "{}.", syntax::quote_ident(&self.schema))?;
        }
        f.write_str(&syntax::quote_ident(&self.name))
    }
}
