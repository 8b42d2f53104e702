//! Every rule, by name. The list is written by the test `the_list_of_rules_is_current`.

use crate::Rule;

pub static ALL: &[&Rule] = &[];
