//! Everything a database contains, as sorted lines: what is defined in it, and its rows. Two databases with equal lines are the
//! same to an application and to the next migration.

use postgres::GenericClient;
use std::collections::BTreeSet;

/// One line per object, sorted: extensions, schemas, relations with their columns, constraints and indexes, types, functions,
/// triggers and what else a migration can define, with names, owners, grants, comments and storage options. What belongs to an
/// extension is left out. Numbers of columns are positions: gaps that dropped columns left do not count, the order does. Nor does
/// it count whether the constraint of an index is inheritable, which tells only whether its table was attached or born a partition.
///
/// # Panics
///
/// When a query fails.
pub fn fingerprint(client: &mut impl GenericClient) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut transaction = client.transaction().expect("BEGIN");
    // Names are printed with their schema then.
    transaction.batch_execute("SET LOCAL search_path = ''").expect("a setting");
    for part in PARTS {
        let rows = transaction.query(&format!("{SCOPE} {part}"), &[]);
        let rows = rows.unwrap_or_else(|error| panic!("{}\n{part}", crate::run::failure(&error).message));
        lines.extend(rows.iter().map(|row| row.get::<_, &str>(0).replace('\n', "\\n")));
    }
    transaction.rollback().expect("ROLLBACK");
    lines.sort();
    lines
}

/// One line per table and materialized view with the number and a hash of its rows, in any order, and one per sequence with its
/// state. `ignored` names columns whose values cannot be compared, such as timestamps, as `schema.table.column`.
///
/// # Panics
///
/// When a query fails.
pub fn data(client: &mut impl GenericClient, ignored: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut transaction = client.transaction().expect("BEGIN");
    transaction.batch_execute("SET LOCAL search_path = ''").expect("a setting");
    let relations = format!(
        "{SCOPE} SELECT relation, relkind = 'S',
           ARRAY(SELECT format('x.%I', attname) FROM pg_attribute
                 WHERE attrelid = oid AND attnum > 0 AND NOT attisdropped AND relation || '.' || attname <> ALL ($1)
                 ORDER BY attnum)
         FROM relations WHERE relkind = 'S' OR (relkind IN ('r', 'm') AND relispopulated)"
    );
    for row in transaction.query(&relations, &[&ignored]).expect("the relations") {
        let (relation, is_sequence, columns): (&str, bool, Vec<&str>) = (row.get(0), row.get(1), row.get(2));
        let line = if is_sequence {
            format!(
                "SELECT format('sequence %s at %s, called %s', '{relation}', last_value, is_called) FROM {relation}"
            )
        } else {
            // A sum does not depend on the order of the rows.
            let columns = columns.join(", ");
            format!(
                "SELECT format('rows of %s: %s, hash %s', '{relation}', count(*), sum(hashtextextended(ROW({columns})::text, 0)::numeric))
                 FROM ONLY {relation} x"
            )
        };
        lines.push(transaction.query_one(&line, &[]).expect("rows").get(0));
    }
    transaction.rollback().expect("ROLLBACK");
    lines.sort();
    lines
}

/// The lines that only the one has, after `-`, and those that only the other has, after `+`. Empty when they are equal.
pub fn difference(one: &[String], other: &[String]) -> String {
    let (one, other): (BTreeSet<&String>, BTreeSet<&String>) = (one.iter().collect(), other.iter().collect());
    let removed = one.difference(&other).map(|line| format!("- {line}\n"));
    removed.chain(other.difference(&one).map(|line| format!("+ {line}\n"))).collect()
}

/// What all queries below select from. Columns that only later majors have are read through `to_jsonb`.
const SCOPE: &str = "
WITH members AS (SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'),
schemas AS (
  SELECT oid AS schema, * FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
relations AS (
  SELECT c.oid::regclass::text AS relation, c.* FROM pg_class c JOIN schemas ON schema = relnamespace
  WHERE ('pg_class'::regclass, c.oid) NOT IN (SELECT * FROM members)
),
types AS (
  SELECT t.oid::regtype::text AS type, t.* FROM pg_type t JOIN schemas ON schema = typnamespace
  WHERE ('pg_type'::regclass, t.oid) NOT IN (SELECT * FROM members)
),
functions AS (
  SELECT p.oid::regprocedure::text AS function, p.* FROM pg_proc p JOIN schemas ON schema = pronamespace
  WHERE ('pg_proc'::regclass, p.oid) NOT IN (SELECT * FROM members)
)";

/// One query per kind of object.
const PARTS: [&str; 20] = [
    "SELECT format('extension %s: version %s, schema %s', extname, extversion, extnamespace::regnamespace) FROM pg_extension",
    "SELECT format('schema %s: owner %s, grants %s', nspname, nspowner::regrole,
            ARRAY(SELECT unnest(coalesce(nspacl, acldefault('n', nspowner)))::text ORDER BY 1)) FROM schemas",
    "SELECT format('%s %s: persistence %s, owner %s, tablespace %s, method %s, options %s, toast options %s, row security %s forced %s, '
            'replica identity %s, of %s, inherits %s, partition by %s, bound %s, foreign %s, grants %s',
            CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'f' THEN 'foreign table' WHEN 'v' THEN 'view'
                         WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE 'composite type' END,
            relation, relpersistence, relowner::regrole, (SELECT spcname FROM pg_tablespace s WHERE s.oid = reltablespace),
            (SELECT amname FROM pg_am a WHERE a.oid = relam),
            ARRAY(SELECT unnest(reloptions) ORDER BY 1),
            ARRAY(SELECT unnest(t.reloptions) FROM pg_class t WHERE t.oid = r.reltoastrelid ORDER BY 1),
            relrowsecurity, relforcerowsecurity, relreplident, nullif(reloftype, 0)::regtype,
            ARRAY(SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = r.oid ORDER BY inhseqno),
            pg_get_partkeydef(oid), pg_get_expr(relpartbound, oid),
            (SELECT (srvname, ftoptions)::text FROM pg_foreign_table JOIN pg_foreign_server s ON s.oid = ftserver WHERE ftrelid = r.oid),
            ARRAY(SELECT unnest(coalesce(relacl, acldefault((CASE relkind WHEN 'S' THEN 's' ELSE 'r' END)::\"char\", relowner)))::text ORDER BY 1))
     FROM relations r WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')",
    "SELECT format('column %s %s: position %s, type %s, not null %s, default %s, identity %s, generated %s, collation %s, storage %s, '
            'compression %s, statistics %s, options %s %s, local %s, inherited %s, grants %s',
            relation, quote_ident(attname), row_number() OVER (PARTITION BY attrelid ORDER BY attnum), format_type(atttypid, atttypmod),
            attnotnull, pg_get_expr(adbin, adrelid), attidentity, attgenerated,
            CASE WHEN attcollation <> typcollation THEN attcollation::regcollation END, attstorage, attcompression,
            nullif(attstattarget, -1), attoptions, attfdwoptions, attislocal, attinhcount,
            ARRAY(SELECT unnest(attacl)::text ORDER BY 1))
     FROM relations r JOIN pg_attribute ON attrelid = r.oid JOIN pg_type y ON y.oid = atttypid
     LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'c') AND attnum > 0 AND NOT attisdropped",
    "SELECT format('constraint %I on %s: %s, validated %s, enforced %s, index %s, parent %s, local %s, inherited %s, inheritable %s',
            conname, coalesce(relation, type), pg_get_constraintdef(c.oid), convalidated,
            coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true), nullif(conindid, 0)::regclass,
            (SELECT conname FROM pg_constraint p WHERE p.oid = c.conparentid), conislocal, coninhcount,
            CASE WHEN contype NOT IN ('p', 'u', 'x') THEN NOT connoinherit END)
     FROM pg_constraint c LEFT JOIN relations r ON r.oid = conrelid LEFT JOIN types t ON t.oid = contypid
     WHERE relation IS NOT NULL OR type IS NOT NULL",
    "SELECT format('index %s: %s, primary %s, immediate %s, valid %s, ready %s, live %s, clustered %s, replica identity %s, tablespace %s, '
            'parent %s, statistics %s', r.relation, pg_get_indexdef(indexrelid), indisprimary, indimmediate, indisvalid, indisready,
            indislive, indisclustered, indisreplident, (SELECT spcname FROM pg_tablespace s WHERE s.oid = reltablespace),
            (SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = indexrelid),
            ARRAY(SELECT nullif(attstattarget, -1) FROM pg_attribute WHERE attrelid = indexrelid ORDER BY attnum))
     FROM pg_index JOIN relations r ON r.oid = indexrelid",
    "SELECT format('definition of %s: populated %s, %s', relation, relispopulated, pg_get_viewdef(oid))
     FROM relations WHERE relkind IN ('v', 'm')",
    "SELECT format('parameters of sequence %s: type %s, start %s, increment %s, from %s to %s, cache %s, cycle %s, owned by %s',
            relation, seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle,
            (SELECT format('%s.%I (%s)', attrelid::regclass, attname, deptype)
             FROM pg_depend JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
             WHERE classid = 'pg_class'::regclass AND objid = r.oid AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')))
     FROM pg_sequence JOIN relations r ON r.oid = seqrelid",
    "SELECT format('type %s: kind %s, owner %s, grants %s, labels %s, base %s, not null %s, default %s, collation %s, range of %s', type,
            typtype, typowner::regrole, ARRAY(SELECT unnest(coalesce(typacl, acldefault('T', typowner)))::text ORDER BY 1),
            ARRAY(SELECT enumlabel FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder),
            CASE WHEN typbasetype <> 0 THEN format_type(typbasetype, typtypmod) END, typnotnull, typdefault,
            CASE WHEN typtype = 'd' THEN nullif(typcollation, 0)::regcollation END,
            (SELECT rngsubtype::regtype FROM pg_range WHERE rngtypid = t.oid))
     FROM types t
     WHERE NOT (typtype = 'c' AND (SELECT relkind FROM pg_class WHERE oid = typrelid) <> 'c') AND typcategory <> 'A'",
    "SELECT format('function %s: owner %s, grants %s, %s', function, proowner::regrole,
            ARRAY(SELECT unnest(coalesce(proacl, acldefault('f', proowner)))::text ORDER BY 1),
            CASE prokind WHEN 'a'
              THEN (SELECT to_jsonb(a) - 'aggfnoid' FROM pg_aggregate a WHERE aggfnoid = p.oid)::text
              ELSE pg_get_functiondef(oid) END)
     FROM functions p",
    // The triggers of foreign keys are part of their constraints, unless somebody switched them off.
    "SELECT format('trigger %s on %s: %s, enabled %s, parent %s',
            CASE WHEN tgisinternal THEN (SELECT conname || ' ' || tgfoid::regproc FROM pg_constraint c WHERE c.oid = tgconstraint)
                 ELSE tgname END, relation,
            CASE WHEN NOT tgisinternal THEN pg_get_triggerdef(t.oid) END, tgenabled, (tgparentid <> 0))
     FROM pg_trigger t JOIN relations r ON r.oid = tgrelid WHERE NOT tgisinternal OR tgenabled <> 'O'",
    "SELECT format('event trigger %I: on %s, tags %s, enabled %s, owner %s, %s', evtname, evtevent, evttags, evtenabled, evtowner::regrole,
            evtfoid::regprocedure)
     FROM pg_event_trigger t WHERE ('pg_event_trigger'::regclass, t.oid) NOT IN (SELECT * FROM members)",
    "SELECT format('policy %I on %s: for %s, permissive %s, to %s, using %s, check %s', polname, relation, polcmd, polpermissive,
            ARRAY(SELECT nullif(role, 0)::regrole::text FROM unnest(polroles) role ORDER BY 1),
            pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
     FROM pg_policy JOIN relations r ON r.oid = polrelid",
    "SELECT format('rule %I on %s: enabled %s, %s', rulename, relation, ev_enabled, pg_get_ruledef(w.oid))
     FROM pg_rewrite w JOIN relations r ON r.oid = ev_class WHERE rulename <> '_RETURN'",
    "SELECT format('statistics %s: target %s, owner %s', pg_get_statisticsobjdef(s.oid), nullif(stxstattarget, -1), stxowner::regrole)
     FROM pg_statistic_ext s JOIN schemas ON schema = stxnamespace",
    "SELECT format('comment on %s %s: %s', i.type, i.identity, description)
     FROM pg_description, pg_identify_object(classoid, objoid, objsubid) i
     WHERE (objoid >= 16384 OR objoid = 'public'::regnamespace) AND (classoid, objoid) NOT IN (SELECT * FROM members)
     UNION ALL
     SELECT format('comment on database: %s', shobj_description(oid, 'pg_database')) FROM pg_database
     WHERE datname = current_database()",
    "SELECT format('default grants of %s in %s on %s: %s', defaclrole::regrole, nullif(defaclnamespace, 0)::regnamespace, defaclobjtype,
            ARRAY(SELECT unnest(defaclacl)::text ORDER BY 1))
     FROM pg_default_acl",
    "SELECT format('publication %I: owner %s, %s', pubname, pubowner::regrole, to_jsonb(p) - 'oid' - 'pubowner') FROM pg_publication p
     UNION ALL
     SELECT format('publication table %s', to_jsonb(t)) FROM pg_publication_tables t",
    "SELECT format('setting of %s: %s', nullif(setrole, 0)::regrole, setconfig) FROM pg_db_role_setting
     WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())",
    // Kinds that migrations rarely touch are only named.
    "SELECT format('%s %s', i.type, i.identity)
     FROM (
       SELECT 'pg_operator'::regclass AS class, oid FROM pg_operator UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass
       UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast
       UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion
       UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict
       UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_ts_parser UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_ts_template
       UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language UNION ALL SELECT 'pg_am'::regclass, oid FROM pg_am
       UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
       UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server
       UNION ALL SELECT 'pg_user_mapping'::regclass, oid FROM pg_user_mapping
       UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform
     ) o, pg_identify_object(class, oid, 0) i
     WHERE oid >= 16384 AND (class, oid) NOT IN (SELECT * FROM members)",
];
