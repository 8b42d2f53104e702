//! R-ENUM: a new enum value is committed before anything uses it; inside one transaction using it is an error (55P04).

use crate::context::Site;
use crate::draft::{Place, Rewrite};

pub(crate) fn rewrite(_: &Site) -> Result<Rewrite, String> {
    Ok(Rewrite::safe(Place::Kept, Vec::new()))
}
