//! Numbers that stand for declared structures, their fields and methods, and for variables.

/// Names a declared structure; numbers are the caller's, unique within [`Objects`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(pub u16);

/// Names a field of a declared structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId {
    pub(crate) kind: Kind,
    pub(crate) index: u16,
}

/// Names a method of a declared structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MethodId {
    pub(crate) kind: Kind,
    pub(crate) index: u16,
}

/// Names a root variable that is not an object; the number is the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VariableId(pub u16);

impl FieldId {
    /// Makes the id of the `index`th field of `kind`; callers let [`object!`](crate::object) do it.
    pub const fn new(kind: Kind, index: u16) -> Self {
        Self { kind, index }
    }
}

impl MethodId {
    /// Makes the id of the `index`th method of `kind`; callers let [`object!`](crate::object) do it.
    pub const fn new(kind: Kind, index: u16) -> Self {
        Self { kind, index }
    }
}
