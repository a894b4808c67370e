//! The structures that a caller declares: their fields, methods and types.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::function::Params;
use crate::id::{FieldId, Kind, MethodId};
use crate::types::Type;

/// Holds the declared structures of a program, shared by all its schemes and libraries.
#[derive(Debug, Default)]
pub struct Objects {
    kinds: BTreeMap<Kind, ObjectDef>,
    /// First dense number of each kind's fields.
    bases: BTreeMap<Kind, usize>,
    field_count: usize,
}

/// Declares one structure; written by [`object!`](crate::object).
#[derive(Debug, Clone)]
pub struct ObjectDef {
    /// Its number.
    pub kind: Kind,
    /// Its Go type name as messages show it, e.g. `types.Event`.
    pub name: &'static str,
    /// Its fields in the order of their [`FieldId`]s.
    pub fields: Vec<(&'static str, Type)>,
    /// Its methods in the order of their [`MethodId`]s.
    pub methods: Vec<MethodDef>,
}

/// Declares one method of a structure.
#[derive(Debug, Clone)]
pub struct MethodDef {
    /// Its name, matched exactly.
    pub name: &'static str,
    /// Its parameters.
    pub params: Params,
    /// Its result.
    pub result: Type,
    /// The fields its result depends on; `None` = it may depend on anything, so it is called each time.
    pub reads: Option<Vec<FieldId>>,
    /// The fields it changes.
    pub writes: Vec<FieldId>,
}

impl Objects {
    /// Collects the declarations; a kind declared twice keeps the last.
    pub fn new(definitions: impl IntoIterator<Item = ObjectDef>) -> Arc<Self> {
        let kinds: BTreeMap<Kind, ObjectDef> = definitions.into_iter().map(|def| (def.kind, def)).collect();
        let mut bases = BTreeMap::new();
        let mut field_count = 0;
        for (kind, def) in &kinds {
            bases.insert(*kind, field_count);
            field_count += def.fields.len();
        }
        Arc::new(Self {
            kinds,
            bases,
            field_count,
        })
    }

    /// Returns the Go name of a kind, `struct` when it is not declared.
    pub fn kind_name(&self, kind: Kind) -> &'static str {
        self.kinds.get(&kind).map_or("struct", |def| def.name)
    }

    /// Returns a field of a kind by name.
    pub fn field(&self, kind: Kind, name: &str) -> Option<(FieldId, &Type)> {
        let def = self.kinds.get(&kind)?;
        let index = def.fields.iter().position(|(field, _)| *field == name)?;
        Some((
            FieldId {
                kind,
                index: u16::try_from(index).ok()?,
            },
            &def.fields[index].1,
        ))
    }

    /// Returns a method of a kind by name.
    pub fn method(&self, kind: Kind, name: &str) -> Option<(MethodId, &MethodDef)> {
        let def = self.kinds.get(&kind)?;
        let index = def.methods.iter().position(|method| method.name == name)?;
        Some((
            MethodId {
                kind,
                index: u16::try_from(index).ok()?,
            },
            &def.methods[index],
        ))
    }

    /// Returns a method's declaration by its id.
    pub(crate) fn method_def(&self, method: MethodId) -> Option<&MethodDef> {
        self.kinds
            .get(&method.kind)?
            .methods
            .get(usize::from(method.index))
    }

    /// Returns the Go name of a field, for messages and traces.
    pub fn field_name(&self, field: FieldId) -> &'static str {
        self.kinds
            .get(&field.kind)
            .and_then(|def| def.fields.get(usize::from(field.index)))
            .map_or("?", |(name, _)| name)
    }

    /// Returns the number of declared fields.
    pub(crate) fn field_count(&self) -> usize {
        self.field_count
    }

    /// Returns a field's number among all declared fields.
    pub(crate) fn dense(&self, field: FieldId) -> Option<usize> {
        self.bases
            .get(&field.kind)
            .map(|base| base + usize::from(field.index))
    }
}

impl Type {
    /// Returns the type's name as expr-lang's messages spell it (Go's names).
    pub fn name(&self, objects: &Objects) -> String {
        match self {
            Self::Any => "interface {}".to_owned(),
            Self::Nil => "unknown".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Int => "int".to_owned(),
            Self::Float => "float64".to_owned(),
            Self::String => "string".to_owned(),
            Self::Bytes => "[]uint8".to_owned(),
            Self::Duration => "time.Duration".to_owned(),
            Self::Time => "time.Time".to_owned(),
            Self::Weekday => "time.Weekday".to_owned(),
            Self::Month => "time.Month".to_owned(),
            Self::Zone => "*time.Location".to_owned(),
            Self::Array(element) => format!("[]{}", element.name(objects)),
            Self::Map(value) => format!("map[string]{}", value.name(objects)),
            Self::Object(kind) => objects.kind_name(*kind).to_owned(),
        }
    }
}

/// Returns the place of `name` in `names` at compile time; a missing name stops the build.
#[doc(hidden)]
pub const fn index_of(names: &[&str], name: &str) -> u16 {
    let mut index = 0;
    while index < names.len() {
        if same(names[index].as_bytes(), name.as_bytes()) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a structure has far fewer than 65,536 fields"
            )]
            return index as u16;
        }
        index += 1;
    }
    #[expect(clippy::panic, reason = "evaluated while the caller compiles")]
    {
        panic!("name is not declared")
    }
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut index = 0;
    while index < a.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Declares a structure that expressions can look into: a module with `KIND`, a [`FieldId`] constant per field, a
/// [`MethodId`] constant per method, and `define()` for [`Objects::new`].
///
/// ```ignore
/// expr::object! {
///     pub mod event = 0, "types.Event" {
///         STAGE "Stage": Type::String,
///         LINE "Line": Type::Object(line::KIND),
///         META "Meta": Type::strings(),
///     } methods {
///         GET_TYPE "GetType"() -> Type::String, reads [KIND_FIELD];
///         SET_META "SetMeta"(Type::String, Type::String) -> Type::Bool, writes [META];
///     }
/// }
/// ```
/// A method without `reads` may depend on anything and is called each time; `reads []` makes it a constant of the
/// event. Constants of other modules are written with their path (`reads [alert::SCENARIO]`).
#[macro_export]
macro_rules! object {
    (
        $(#[$doc:meta])*
        $vis:vis mod $module:ident = $kind:literal, $name:literal {
            $($field:ident $field_name:literal : $type:expr),* $(,)?
        }
        $(methods {
            $($method:ident $method_name:literal ($($arg:expr),* $(,)?) -> $result:expr
              $(, reads [$($read:expr),*])? $(, writes [$($write:expr),*])?);* $(;)?
        })?
    ) => {
        $(#[$doc])*
        #[doc = concat!("Declares the fields and methods of `", $name, "`.")]
        $vis mod $module {
            #[expect(clippy::wildcard_imports, reason = "a declaration uses what its file imports")]
            use super::*;

            #[doc = "Is the number of this structure."]
            pub const KIND: $crate::Kind = $crate::Kind($kind);
            #[doc = "Lists the fields' names in the order of their ids."]
            pub const FIELDS: &[&str] = &[$($field_name),*];
            #[doc = "Lists the methods' names in the order of their ids."]
            pub const METHODS: &[&str] = &[$($($method_name),*)?];
            $(
                #[doc = concat!("Is the field `", $field_name, "`.")]
                pub const $field: $crate::FieldId = $crate::FieldId::new(KIND, $crate::index_of(FIELDS, $field_name));
            )*
            $($(
                #[doc = concat!("Is the method `", $method_name, "`.")]
                pub const $method: $crate::MethodId = $crate::MethodId::new(KIND, $crate::index_of(METHODS, $method_name));
            )*)?

            #[doc = "Returns the declaration for `expr::Objects::new`."]
            pub fn define() -> $crate::ObjectDef {
                const _: &[&str] = METHODS;
                $crate::ObjectDef {
                    kind: KIND,
                    name: $name,
                    fields: vec![$(($field_name, $type)),*],
                    methods: vec![$($(
                        $crate::MethodDef {
                            name: $method_name,
                            params: $crate::Params { required: vec![$($arg),*], ..$crate::Params::default() },
                            result: $result,
                            reads: $crate::object!(@reads $([$($read),*])?),
                            writes: vec![$($($write),*)?],
                        }
                    ),*)?],
                }
            }
        }
    };
    (@reads) => { None };
    (@reads [$($read:expr),*]) => { Some(vec![$($read),*]) };
}
