#!/usr/bin/env python3
"""Writes crates/syntax/src/nodes.rs: PostgreSQL's raw parse nodes as Rust structs of the same layout.

    python3 crates/syntax/bindgen/nodes.py ~/.cargo/registry/src/*/pg_query-18.1.0/libpg_query > crates/syntax/src/nodes.rs
    cargo fmt -p safestep-syntax

Run it again after an upgrade of pg_query. The sizes asserted at the end of the file come from the C compiler, so a
struct read wrongly here fails the build.
"""
import re, subprocess, sys, tempfile, os

lib = sys.argv[1]
nodes_dir = f"{lib}/src/postgres/include/nodes"

STRUCTS = """Integer Float Boolean String BitString A_Const
Alias RangeVar IntoClause GroupingFunc NamedArgExpr BoolExpr SubLink CaseExpr CaseWhen RowExpr CoalesceExpr MinMaxExpr
SQLValueFunction XmlExpr JsonFormat JsonReturning JsonValueExpr JsonIsPredicate JsonBehavior NullTest BooleanTest
MergeSupportFunc SetToDefault CurrentOfExpr JoinExpr
TypeName ColumnRef ParamRef A_Expr TypeCast CollateClause RoleSpec FuncCall A_Star A_Indices A_Indirection A_ArrayExpr
ResTarget MultiAssignRef SortBy WindowDef RangeSubselect RangeFunction RangeTableFunc RangeTableFuncCol RangeTableSample
ColumnDef TableLikeClause IndexElem DefElem LockingClause XmlSerialize PartitionElem PartitionSpec PartitionBoundSpec
PartitionRangeDatum PartitionCmd GroupingSet WithClause InferClause OnConflictClause CTESearchClause CTECycleClause
CommonTableExpr MergeWhenClause ReturningOption ReturningClause TriggerTransition
JsonOutput JsonArgument JsonFuncExpr JsonTablePathSpec JsonTable JsonTableColumn JsonKeyValue JsonParseExpr
JsonScalarExpr JsonSerializeExpr JsonObjectConstructor JsonArrayConstructor JsonArrayQueryConstructor
JsonAggConstructor JsonObjectAgg JsonArrayAgg
RawStmt InsertStmt DeleteStmt UpdateStmt MergeStmt SelectStmt ReturnStmt
CreateSchemaStmt AlterTableStmt AlterTableCmd ATAlterConstraint ReplicaIdentityStmt AlterCollationStmt
AlterDomainStmt GrantStmt ObjectWithArgs AccessPriv GrantRoleStmt AlterDefaultPrivilegesStmt CopyStmt VariableSetStmt
VariableShowStmt CreateStmt Constraint CreateTableSpaceStmt DropTableSpaceStmt AlterTableSpaceOptionsStmt
AlterTableMoveAllStmt CreateExtensionStmt AlterExtensionStmt AlterExtensionContentsStmt CreateFdwStmt AlterFdwStmt
CreateForeignServerStmt AlterForeignServerStmt CreateForeignTableStmt CreateUserMappingStmt AlterUserMappingStmt
DropUserMappingStmt ImportForeignSchemaStmt CreatePolicyStmt AlterPolicyStmt CreateAmStmt CreateTrigStmt
CreateEventTrigStmt AlterEventTrigStmt CreatePLangStmt CreateRoleStmt AlterRoleStmt AlterRoleSetStmt DropRoleStmt
CreateSeqStmt AlterSeqStmt DefineStmt CreateDomainStmt CreateOpClassStmt CreateOpClassItem CreateOpFamilyStmt AlterOpFamilyStmt DropStmt
TruncateStmt CommentStmt SecLabelStmt DeclareCursorStmt ClosePortalStmt FetchStmt IndexStmt CreateStatsStmt StatsElem
AlterStatsStmt CreateFunctionStmt FunctionParameter AlterFunctionStmt DoStmt CallStmt RenameStmt AlterObjectDependsStmt
AlterObjectSchemaStmt AlterOwnerStmt AlterOperatorStmt AlterTypeStmt RuleStmt NotifyStmt ListenStmt UnlistenStmt
TransactionStmt CompositeTypeStmt CreateEnumStmt CreateRangeStmt AlterEnumStmt ViewStmt LoadStmt CreatedbStmt
AlterDatabaseStmt AlterDatabaseRefreshCollStmt AlterDatabaseSetStmt DropdbStmt AlterSystemStmt ClusterStmt VacuumStmt
VacuumRelation ExplainStmt CreateTableAsStmt RefreshMatViewStmt CheckPointStmt DiscardStmt LockStmt ConstraintsSetStmt
ReindexStmt CreateConversionStmt CreateCastStmt CreateTransformStmt PrepareStmt ExecuteStmt DeallocateStmt DropOwnedStmt
ReassignOwnedStmt AlterTSDictionaryStmt AlterTSConfigurationStmt PublicationTable PublicationObjSpec
CreatePublicationStmt AlterPublicationStmt CreateSubscriptionStmt AlterSubscriptionStmt DropSubscriptionStmt""".split()

ENUMS = """SortByDir SortByNulls A_Expr_Kind RoleSpecType TableLikeOption PartitionStrategy PartitionRangeDatumKind
SetOperation ObjectType DropBehavior AlterTableType GrantTargetType VariableSetKind ConstrType FunctionParameterMode
TransactionStmtKind DiscardMode ReindexObjectType PublicationObjSpecType AlterPublicationAction AlterSubscriptionType
BoolExprType SubLinkType MinMaxOp SQLValueFunctionOp NullTestType BoolTestType CmdType OnConflictAction
LockClauseStrength LockWaitPolicy MergeMatchKind CoercionForm ReturningOptionKind
""".split()

def strip(text):
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    # pg_node_attr(...) holds balanced parentheses at most two deep.
    return re.sub(r"pg_node_attr\((?:[^()]|\([^()]*\))*\)", " ", text)

source = "\n".join(strip(open(f"{nodes_dir}/{f}").read()) for f in ("value.h", "primnodes.h", "parsenodes.h", "lockoptions.h", "nodes.h"))
tags = {m[1]: int(m[2]) for m in re.finditer(r"T_(\w+) = (\d+)", open(f"{nodes_dir}/nodetags.h").read())}
enum_names = set(re.findall(r"typedef enum (\w+)", source))

def number(expression):
    if expression.startswith("'"):
        return ord(expression[1])
    return int(expression.replace("PG_INT32_MAX", "0x7fffffff"), 0)

def enum_items(name):
    body = re.search(r"typedef enum %s\s*\{(.*?)\}" % name, source, re.S)[1]
    value, out = -1, []
    for item in body.split(","):
        item = item.strip()
        if not item:
            continue
        if "=" in item:
            item, expression = (part.strip() for part in item.split("=", 1))
            shift = re.fullmatch(r"\(?1 << (\d+)\)?", expression)
            value = 1 << int(shift[1]) if shift else number(expression)
        else:
            value += 1
        out.append((item, value))
    return out

INTS = {"int": "i32", "int32": "i32", "ParseLoc": "i32", "int16": "i16", "uint32": "u32", "Oid": "u32", "bits32": "u32",
        "Index": "u32", "RelFileNumber": "u32", "SubTransactionId": "u32", "AttrNumber": "i16", "bool": "bool", "char": "u8",
        "long": "std::ffi::c_long", "NodeTag": "u32", "Expr": "u32", "AclMode": "u64", "LOCKMODE": "i32"}
FIELD = {"type": "r#type", "final": "r#final", "override": "r#override", "typename": "typename", "where": "r#where"}

def snake(name):
    return FIELD.get(name, re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())

def camel(name):
    # Rust's own String is in use beside it.
    if name == "String":
        return "StringValue"
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))

def field(line):
    m = re.fullmatch(r"(?:const )?(?:struct )?(\w+)\s*(\*?)\s*(\w+)", line)
    assert m, line
    ctype, pointer, name = m[1], m[2], m[3]
    if pointer:
        if ctype in ("Node", "Expr"):
            return name, "Option<Node<'a>>"
        if ctype == "List":
            return name, "List<'a>"
        if ctype == "char":
            return name, "Str<'a>"
        if ctype in STRUCTS:
            return name, f"Option<&'a {camel(ctype)}<'a>>"
        return name, "*const std::ffi::c_void"
    if ctype in enum_names:
        return name, "u32"
    if ctype in STRUCTS:
        return name, f"{camel(ctype)}<'a>"
    return name, INTS[ctype]

out, sizes = [], []
for name in STRUCTS:
    if name == "A_Const":
        continue
    body = re.search(r"typedef struct %s\s*\{(.*?)\}\s*%s;" % (name, name), source, re.S)
    body = body or re.search(r"\nstruct %s\s*\{(.*?)\};" % name, source, re.S)
    fields = [field(" ".join(line.split())) for line in body[1].split(";") if line.strip()]
    # Every struct takes the lifetime of the tree it stands in.
    lines = [f"    pub {snake(n)}: {t}," for n, t in fields]
    if not any("'a" in t for _, t in fields):
        lines.append("    pub tree: PhantomData<&'a ()>,")
    out.append(f"#[repr(C)]\n#[derive(Clone, Copy)]\npub struct {camel(name)}<'a> {{\n" + "\n".join(lines) + "\n}\n")

with tempfile.TemporaryDirectory() as scratch:
    with open(f"{scratch}/sizes.c", "w") as c:
        c.write('#include "postgres.h"\n#include "nodes/parsenodes.h"\n#undef printf\n#include <stdio.h>\nint main(void) {\n')
        for name in STRUCTS:
            c.write(f'printf("{name} %zu\\n", sizeof({name}));\n')
        c.write("return 0; }\n")
    subprocess.run(["cc", "-w", f"-I{lib}", f"-I{lib}/vendor", f"-I{lib}/src/postgres/include", f"-I{lib}/src/include",
                    f"{scratch}/sizes.c", "-o", f"{scratch}/sizes"], check=True)
    sizes = [line.split() for line in subprocess.run([f"{scratch}/sizes"], capture_output=True, text=True, check=True).stdout.splitlines()]

print("""//! PostgreSQL's raw parse nodes with the layout of the C library. Generated by `bindgen/nodes.py`; do not edit.
//!
//! Only pointers into one tree stand in these structs, so they are read through shared references for as long as the
//! tree lives. The handles [`Node`], [`List`] and [`Str`] are in `ffi.rs`.

#![allow(dead_code, non_upper_case_globals)]

use std::marker::PhantomData;

use crate::ffi::{List, Node, Str};
""")
print("\n".join(out))
print("""/// `ValUnion` holds one of the value nodes in place; its tag says which.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct AConst<'a> {
    pub xpr: u32,
    pub val: ValUnion<'a>,
    pub isnull: bool,
    pub location: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union ValUnion<'a> {
    pub tag: u32,
    pub ival: Integer<'a>,
    pub fval: Float<'a>,
    pub boolval: Boolean<'a>,
    pub sval: StringValue<'a>,
    pub bsval: BitString<'a>,
}
""")
for name in STRUCTS:
    print(f"pub const T_{name}: u32 = {tags[name]};")
print(f"pub const T_List: u32 = {tags['List']};\n")
for name in ENUMS:
    for item, value in enum_items(name):
        print(f"pub const {item}: u32 = {value & 0xffffffff};")
    print()
print("""/// A node by its type.
#[derive(Clone, Copy)]
pub enum Kind<'a> {""")
for name in STRUCTS:
    print(f"    {camel(name)}(&'a {camel(name)}<'a>),")
print("""    List(List<'a>),
    Unknown(u32),
}

/// What `ffi::kind` needs: the tag of each struct, so that the casts stand in that one file.
macro_rules! for_each_node {
    ($make:ident) => {
        $make! {""")
for name in STRUCTS:
    print(f"            T_{name} => {camel(name)},")
print("""        }
    };
}
pub(crate) use for_each_node;
""")
print('#[cfg(all(target_pointer_width = "64", not(windows)))]\nconst _: () = {')
for name, size in sizes:
    print(f"    assert!(size_of::<{camel(name)}>() == {size});")
print("};")
