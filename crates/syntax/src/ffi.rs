//! The C library behind pg_query, called directly. The only unsafe code of the workspace.
//!
//! The crate's own `parse` serialises the tree to protobuf and decodes it again, which costs four times the parsing itself,
//! overflows the stack on deep trees and drops the position of a syntax error. The raw tree is read in place instead: it
//! lives in one memory context of the library, borrowed by a closure and freed when that returns. Nothing here recurses.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr::NonNull;

// Links the library.
use pg_query as _;

use crate::nodes::*;

// libpg_query: pg_query.h and src/pg_query_internal.h.
unsafe extern "C" {
    fn pg_query_enter_memory_context() -> *mut c_void;
    fn pg_query_exit_memory_context(context: *mut c_void);
    fn pg_query_raw_parse(input: *const c_char, options: c_int) -> RawParse;
    fn pg_query_free_error(error: *mut RawError);
    fn free(pointer: *mut c_void);
}

#[repr(C)]
struct RawParse {
    tree: *const RawList,
    stderr_buffer: *mut c_char,
    error: *mut RawError,
}

#[repr(C)]
struct RawError {
    message: *mut c_char,
    funcname: *mut c_char,
    filename: *mut c_char,
    lineno: c_int,
    cursorpos: c_int,
    context: *mut c_char,
}

#[repr(C)]
struct RawList {
    tag: u32,
    length: c_int,
    max_length: c_int,
    elements: *const *const u32,
}

/// A node of a tree that lives as long as `'a`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Node<'a>(NonNull<u32>, PhantomData<&'a ()>);

/// A list of nodes; empty lists are null pointers in C.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct List<'a>(*const RawList, PhantomData<&'a ()>);

/// A C string of the tree; may be null.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Str<'a>(*const c_char, PhantomData<&'a ()>);

/// A rejected text.
#[derive(Debug)]
pub struct RawSyntaxError {
    pub message: String,
    /// 0-based, in characters; `None` when PostgreSQL gives no place.
    pub character: Option<usize>,
}

pub const STANDARD_CONFORMING_STRINGS_OFF: i32 = 32;

/// Parses a text of one or more statements and shows the list of `RawStmt` to `read`.
///
/// # Errors
/// What PostgreSQL's parser reports.
pub fn parse<T>(text: &CStr, options: i32, read: impl FnOnce(List<'_>) -> T) -> Result<T, RawSyntaxError> {
    // Leaves the context also when `read` unwinds: the library keeps one current context per thread.
    struct Context(*mut c_void);
    impl Drop for Context {
        fn drop(&mut self) {
            // SAFETY: entered below, left once.
            unsafe { pg_query_exit_memory_context(self.0) }
        }
    }

    // SAFETY: the text ends in NUL. The result's strings are malloc'ed and freed here; the tree belongs to the context,
    // which outlives `read`, and no reference into it can leave `read` because its lifetime is anonymous.
    unsafe {
        let _context = Context(pg_query_enter_memory_context());
        let parsed = pg_query_raw_parse(text.as_ptr(), options);
        free(parsed.stderr_buffer.cast());
        match NonNull::new(parsed.error) {
            None => Ok(read(List(parsed.tree, PhantomData))),
            Some(raw) => {
                let error = raw.as_ref();
                let result = RawSyntaxError {
                    message: CStr::from_ptr(error.message).to_string_lossy().into_owned(),
                    character: usize::try_from(error.cursorpos).ok().and_then(|position| position.checked_sub(1)),
                };
                pg_query_free_error(raw.as_ptr());
                Err(result)
            }
        }
    }
}

impl<'a> Node<'a> {
    #[must_use]
    pub fn kind(self) -> Kind<'a> {
        // SAFETY: every node begins with its tag, and the library allocates the struct that the tag names.
        macro_rules! cast {
            ($($tag:ident => $kind:ident,)*) => {
                match unsafe { *self.0.as_ptr() } {
                    $($tag => Kind::$kind(unsafe { self.0.cast::<$kind<'a>>().as_ref() }),)*
                    T_List => Kind::List(List(self.0.as_ptr().cast(), PhantomData)),
                    tag => Kind::Unknown(tag),
                }
            };
        }
        for_each_node!(cast)
    }

    /// The text of a `String` node.
    #[must_use]
    pub fn string(self) -> Option<&'a str> {
        match self.kind() {
            Kind::StringValue(string) => Some(string.sval.get()),
            _ => None,
        }
    }
}

impl<'a> List<'a> {
    pub const EMPTY: List<'static> = List(std::ptr::null(), PhantomData);

    /// The elements; null elements (an absent argument) are skipped.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Node<'a>> + Clone {
        // SAFETY: a non-null list points to `length` cells.
        let cells: &'a [*const u32] = match unsafe { self.0.as_ref() } {
            Some(list) if list.tag == T_List && list.length > 0 => unsafe {
                std::slice::from_raw_parts(list.elements, list.length as usize)
            },
            _ => &[],
        };
        cells.iter().filter_map(|cell| NonNull::new(cell.cast_mut()).map(|node| Node(node, PhantomData)))
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_null()
    }

    #[must_use]
    pub fn len(self) -> usize {
        // SAFETY: as above.
        unsafe { self.0.as_ref() }.map_or(0, |list| usize::try_from(list.length).unwrap_or(0))
    }

    #[must_use]
    pub fn first(self) -> Option<Node<'a>> {
        self.iter().next()
    }

    /// The texts of a list of `String` nodes.
    pub fn strings(self) -> impl DoubleEndedIterator<Item = &'a str> + Clone {
        self.iter().filter_map(Node::string)
    }
}

impl<'a> Str<'a> {
    /// Empty when null. The parser checks its input's encoding, so the replacement of other bytes is a formality.
    #[must_use]
    pub fn get(self) -> &'a str {
        self.opt().unwrap_or_default()
    }

    #[must_use]
    pub fn opt(self) -> Option<&'a str> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: a non-null string of a tree ends in NUL.
        let bytes = unsafe { CStr::from_ptr(self.0) }.to_bytes();
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok(),
        }
    }

    #[must_use]
    pub fn owned(self) -> String {
        self.get().to_owned()
    }

    #[must_use]
    pub fn opt_owned(self) -> Option<String> {
        self.opt().map(str::to_owned)
    }
}

/// The constant in place, by its own tag; `None` for NULL.
#[must_use]
pub fn constant<'a>(node: &'a AConst<'a>) -> Option<Constant<'a>> {
    if node.isnull {
        return None;
    }
    // SAFETY: the union's first field is the tag of the member it holds.
    unsafe {
        Some(match node.val.tag {
            T_Integer => Constant::Integer(node.val.ival.ival),
            T_Float => Constant::Float(node.val.fval.fval.get()),
            T_Boolean => Constant::Bool(node.val.boolval.boolval),
            T_BitString => Constant::Bits(node.val.bsval.bsval.get()),
            _ => Constant::String(node.val.sval.sval.get()),
        })
    }
}

#[derive(Clone, Copy)]
pub enum Constant<'a> {
    Integer(i32),
    Float(&'a str),
    Bool(bool),
    String(&'a str),
    Bits(&'a str),
}

/// A node struct seen as a node.
pub trait Tagged<'a> {
    fn node(&'a self) -> Node<'a>;
}

macro_rules! tagged {
    ($($tag:ident => $kind:ident,)*) => {
        $(impl<'a> Tagged<'a> for $kind<'a> {
            fn node(&'a self) -> Node<'a> {
                // Every node struct begins with its tag.
                Node(NonNull::from(self).cast(), PhantomData)
            }
        })*
    };
}
for_each_node!(tagged);
