//! Which expressions give another value for every row: those keep ADD COLUMN from storing one default for all old rows.

use syntax::ast::{Expr, Name, Volatility};

use crate::expr::children;
use crate::name::QName;
use crate::schema::{Function, Schema};

/// Whether the planned expression contains a volatile function (contain_volatile_functions, clauses.c). A function that
/// nothing is known of counts as volatile.
#[must_use]
pub fn is_volatile(expr: &Expr, schema: &Schema, search_path: &[String]) -> bool {
    let own = match expr {
        Expr::Call { name, arguments } => calls_volatile(name, arguments.len(), schema, search_path),
        Expr::Subquery(_) => true,
        _ => false,
    };
    own || children(expr).into_iter().any(|child| is_volatile(child, schema, search_path))
}

fn calls_volatile(name: &Name, arguments: usize, schema: &Schema, search_path: &[String]) -> bool {
    if let Some(functions) = find(name, schema, search_path) {
        // Parameters may have defaults, so a function may have more of them than the call has arguments.
        let fits = |function: &&Function| function.parameters.len() >= arguments;
        return functions.iter().filter(fits).any(|function| is_volatile_function(function, schema, search_path));
    }
    !STABLE.split_ascii_whitespace().any(|known| known == name.name)
}

/// A VOLATILE function in SQL is inlined first, and then only its body counts; one that is declared STABLE or IMMUTABLE
/// is believed (inline_function, clauses.c).
fn is_volatile_function(function: &Function, schema: &Schema, search_path: &[String]) -> bool {
    match (&function.inline, function.volatility) {
        (Some(body), Volatility::Volatile) if !function.strict => is_volatile(body, schema, search_path),
        (_, volatility) => volatility == Volatility::Volatile,
    }
}

/// Whether the expression certainly contains a function that is not IMMUTABLE (contain_mutable_functions, clauses.c).
#[must_use]
pub fn is_mutable(expr: &Expr, schema: &Schema, search_path: &[String]) -> bool {
    let own = match expr {
        Expr::SqlValue(_) => true,
        Expr::Call { name, arguments } => match find(name, schema, search_path) {
            Some(functions) => {
                // A function in SQL may be inlined, and then its body counts.
                let mutable = |it: &&Function| it.volatility != Volatility::Immutable && it.inline.is_none();
                let mut fits = functions.iter().filter(|it| it.parameters.len() >= arguments.len()).peekable();
                fits.peek().is_some() && fits.all(|it| mutable(&it))
            }
            // Without a configuration, that of the setting is taken (pg_proc.dat).
            None if arguments.len() == 1 && TEXT_SEARCH.contains(&name.name.as_str()) => true,
            None => MUTABLE.split_ascii_whitespace().any(|known| known == name.name),
        },
        _ => false,
    };
    own || children(expr).into_iter().any(|child| is_mutable(child, schema, search_path))
}

const TEXT_SEARCH: [&str; 5] =
    ["phraseto_tsquery", "plainto_tsquery", "to_tsquery", "to_tsvector", "websearch_to_tsquery"];

/// Built-in functions that are STABLE or VOLATILE in every form and of every supported major (pg_proc.dat).
const MUTABLE: &str = "
array_sample array_shuffle array_to_json array_to_string clock_timestamp concat concat_ws convert_from
current_database current_query current_schema current_schemas current_setting currval enum_first enum_last
enum_range format format_type gen_random_uuid inet_client_addr inet_client_port inet_server_addr
inet_server_port json_build_array json_build_object jsonb_build_array jsonb_build_object lastval
make_timestamptz nextval now obj_description pg_backend_pid pg_current_xact_id random random_normal
row_to_json set_config setseed setval statement_timestamp timeofday to_char to_date to_json to_jsonb to_number
to_regclass to_regtype transaction_timestamp txid_current uuidv4 uuidv7 version";

fn find<'a>(name: &Name, schema: &'a Schema, search_path: &[String]) -> Option<&'a [Function]> {
    let lookup = |namespace: &str| schema.functions.get(&QName::new(namespace, &name.name)).map(|it| it.as_slice());
    match &name.schema {
        Some(namespace) => lookup(namespace),
        None => search_path.iter().find_map(|namespace| lookup(namespace)),
    }
}

/// The sequences that `nextval('name')` in the expression draws from.
#[must_use]
pub fn sequences(expr: &Expr) -> Vec<Name> {
    let mut found: Vec<Name> = children(expr).into_iter().flat_map(sequences).collect();
    if let Expr::Call { name, arguments } = expr
        && name.name == "nextval"
        && let Some(argument) = arguments.first()
        && let Some(text) = literal(argument)
    {
        found.push(parse_name(text));
    }
    found
}

fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::String(text) => Some(text),
        Expr::Cast { operand, .. } => literal(operand),
        _ => None,
    }
}

/// A relation named in a string, as regclass reads it: folded unless quoted (stringToQualifiedNameList, regproc.c).
#[must_use]
pub fn parse_name(text: &str) -> Name {
    let mut parts = vec![String::new()];
    let mut characters = text.chars().peekable();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        let part = parts.last_mut().expect("there is always one part");
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                part.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            _ if quoted => part.push(character),
            _ => part.extend(character.to_lowercase()),
        }
    }
    let name = parts.pop().unwrap_or_default();
    Name { schema: parts.pop(), name, span: syntax::Span::default() }
}

/// Whether it is a built-in function without side effects.
#[must_use]
pub fn is_known(function: &str) -> bool {
    STABLE.split_ascii_whitespace().any(|known| known == function)
}

/// The major that brought a built-in function, for those newer than the oldest supported one (pg_proc.dat).
#[must_use]
pub fn since(function: &str) -> Option<u32> {
    NEWER.iter().find(|(name, _)| *name == function).map(|(_, major)| *major)
}

const NEWER: [(&str, u32); 31] = [
    ("regexp_count", 15),
    ("regexp_instr", 15),
    ("regexp_like", 15),
    ("regexp_substr", 15),
    ("array_sample", 16),
    ("array_shuffle", 16),
    ("date_add", 16),
    ("date_subtract", 16),
    ("erf", 16),
    ("erfc", 16),
    ("pg_input_error_info", 16),
    ("pg_input_is_valid", 16),
    ("random_normal", 16),
    ("system_user", 16),
    ("icu_unicode_version", 17),
    ("jsonb_populate_record_valid", 17),
    ("to_bin", 17),
    ("to_oct", 17),
    ("to_regtypemod", 17),
    ("unicode_assigned", 17),
    ("unicode_version", 17),
    ("uuid_extract_timestamp", 17),
    ("uuid_extract_version", 17),
    ("xmltext", 17),
    ("array_reverse", 18),
    ("array_sort", 18),
    ("casefold", 18),
    ("crc32", 18),
    ("crc32c", 18),
    ("uuidv4", 18),
    ("uuidv7", 18),
];

/// Built-in functions that are immutable or stable in every form (pg_proc.dat of PostgreSQL 18), and those of common
/// extensions. `random`, `nextval`, `clock_timestamp`, `gen_random_uuid` and what is not here count as volatile.
const STABLE: &str = "
abbrev abs acos acosd acosh age area array_append array_cat array_dims array_fill array_length array_lower
array_ndims array_position array_positions array_prepend array_remove array_replace array_reverse array_sort
array_to_json array_to_string array_to_tsvector array_upper ascii asin asind asinh atan atan2 atan2d atand atanh
bit bit_count bit_length bool bound_box box bpchar bytea cardinality casefold cash_words cbrt ceil ceiling
center char char_length character_length chr cidr circle col_description concat concat_ws convert convert_from
convert_to cos cosd cosh cot cotd crc32 crc32c current_database current_schema current_schemas current_setting
current_user date date_add date_bin date_part date_subtract date_trunc datemultirange daterange decode degrees
diagonal diameter digest div encode enum_first enum_last enum_range erf erfc exp extract factorial float4 float8
floor format format_type gamma gcd generate_series generate_subscripts get_bit get_byte get_current_ts_config
has_table_privilege hashtext height hmac host hostmask hstore inet inet_client_addr inet_client_port inet_merge
inet_same_family inet_server_addr inet_server_port initcap int2 int4 int4multirange int4range int8
int8multirange int8range interval is_normalized isclosed isempty isfinite ishorizontal isopen isparallel isperp
isvertical json json_array_elements json_array_elements_text json_array_length json_build_array
json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object json_object_keys
json_populate_record json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_to_tsvector
json_typeof jsonb jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_insert
jsonb_object jsonb_object_keys jsonb_path_exists jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz
jsonb_path_query jsonb_path_query_array jsonb_path_query_array_tz jsonb_path_query_first
jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record jsonb_populate_record_valid
jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record
jsonb_to_recordset jsonb_to_tsvector jsonb_typeof justify_days justify_hours justify_interval lcm left length
lgamma like like_escape line ln log log10 lower lower_inc lower_inf lpad lseg ltrim macaddr macaddr8
macaddr8_set7bit make_date make_interval make_time make_timestamp make_timestamptz masklen md5 metaphone
min_scale mod money multirange name netmask network normalize notlike now npoints num_nonnulls num_nulls numeric
nummultirange numnode numrange obj_description octet_length oid overlaps overlay parse_ident path pclose
pg_backend_pid pg_client_encoding pg_current_xact_id pg_get_serial_sequence pg_my_temp_schema pg_trigger_depth
pg_typeof phraseto_tsquery pi plainto_tsquery point polygon popen position pow power querytree quote_ident
quote_literal quote_nullable radians radius range_merge regexp_count regexp_instr regexp_like regexp_match
regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr repeat replace reverse
right round row_to_json rpad rtrim scale session_user set_bit set_byte set_masklen setweight sha224 sha256
sha384 sha512 shobj_description sign similar_escape similar_to_escape similarity sin sind sinh slope soundex
split_part sqrt st_geogfromtext st_geomfromtext st_makepoint st_setsrid statement_timestamp string_to_array
string_to_table strip strpos substr substring system_user tan tand tanh text time timestamp timestamptz timetz
timezone to_ascii to_bin to_char to_date to_hex to_json to_jsonb to_number to_oct to_regclass to_regcollation
to_regnamespace to_regoper to_regoperator to_regproc to_regprocedure to_regrole to_regtype to_regtypemod
to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim_array trim_scale trunc ts_delete
ts_filter ts_headline ts_rank ts_rank_cd tsmultirange tsquery_phrase tsrange tstzmultirange tstzrange
tsvector_to_array txid_current txid_current_if_assigned txid_current_snapshot txid_visible_in_snapshot unaccent
unistr unnest upper upper_inc upper_inf uuid_extract_timestamp uuid_extract_version uuid_generate_v3
uuid_generate_v5 uuid_nil uuid_ns_dns uuid_ns_oid uuid_ns_url uuid_ns_x500 varbit varchar version
websearch_to_tsquery width width_bucket xid xml xml_is_well_formed xml_is_well_formed_content
xml_is_well_formed_document xmlcomment xmlconcat2 xmltext xpath xpath_exists
btrim";
