//! What the parser makes of an expression's text, before names and types are looked up.

use crate::value::Text;

/// Is one node with the rune that error messages point at.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: usize,
    /// Levels below this node, itself included; bounded by the parser.
    pub(crate) depth: u16,
    /// Nodes below this one, itself included; bounded by the parser.
    pub(crate) size: u32,
    pub(crate) ast: Box<Ast>,
}

#[derive(Debug, Clone)]
pub(crate) enum Ast {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Text),
    Bytes(Vec<u8>),
    Name(Text),
    Unary(UnaryOp, Node),
    Binary(BinaryOp, Node, Node),
    /// `a && b && c`: operands with the place of the operator before each (the first has none).
    Logic(LogicOp, Vec<(usize, Node)>),
    /// Where a `?.` on nil continues.
    Chain(Node),
    Member(Member),
    Slice {
        base: Node,
        from: Option<Node>,
        to: Option<Node>,
    },
    Call {
        callee: Node,
        args: Vec<Node>,
    },
    /// A call of a function by name; `::name(…)` skips functions of the environment.
    NamedCall {
        name: Text,
        args: Vec<Node>,
    },
    /// A builtin with a closure: the collection, the closure and up to one more argument.
    Loop {
        name: Text,
        args: Vec<Node>,
    },
    Predicate(Node),
    /// `#` (empty name), `#acc`, `#index`.
    Pointer(Text),
    Let {
        name: Text,
        value: Node,
        body: Node,
    },
    Sequence(Vec<Node>),
    Conditional {
        condition: Node,
        yes: Node,
        no: Node,
    },
    Array(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// `base.name`, `base?.name`, `base[property]`, `base?.[property]`.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) base: Node,
    pub(crate) property: Node,
    pub(crate) optional: bool,
    /// The member is called: messages speak of a method.
    pub(crate) method: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum UnaryOp {
    Not,
    Minus,
    Plus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LogicOp {
    And,
    Or,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum BinaryOp {
    Equal,
    NotEqual,
    Less,
    Greater,
    LessEqual,
    GreaterEqual,
    In,
    Matches,
    Contains,
    StartsWith,
    EndsWith,
    Range,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Coalesce,
}

impl Node {
    pub(crate) fn new(at: usize, ast: Ast) -> Self {
        let (mut depth, mut size) = (0, 1_u32);
        ast.visit(&mut |child| {
            depth = depth.max(child.depth);
            size = size.saturating_add(child.size);
        });
        Self {
            at,
            depth: depth.saturating_add(1),
            size,
            ast: Box::new(ast),
        }
    }
}

impl Ast {
    /// Visits the direct children.
    fn visit(&self, see: &mut dyn FnMut(&Node)) {
        match self {
            Self::Nil
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Str(_)
            | Self::Bytes(_)
            | Self::Name(_)
            | Self::Pointer(_) => {}
            Self::Unary(_, node) | Self::Chain(node) | Self::Predicate(node) => see(node),
            Self::Binary(_, left, right) => [left, right].into_iter().for_each(see),
            Self::Logic(_, items) => items.iter().for_each(|(_, node)| see(node)),
            Self::Member(member) => [&member.base, &member.property].into_iter().for_each(see),
            Self::Slice { base, from, to } => {
                see(base);
                from.iter().chain(to).for_each(see);
            }
            Self::Call { callee, args } => {
                see(callee);
                args.iter().for_each(see);
            }
            Self::NamedCall { args: nodes, .. }
            | Self::Loop { args: nodes, .. }
            | Self::Sequence(nodes)
            | Self::Array(nodes) => nodes.iter().for_each(see),
            Self::Let { value, body, .. } => [value, body].into_iter().for_each(see),
            Self::Conditional { condition, yes, no } => [condition, yes, no].into_iter().for_each(see),
            Self::Map(pairs) => pairs.iter().for_each(|(key, value)| {
                see(key);
                see(value);
            }),
        }
    }
}

impl UnaryOp {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Not => "not",
            Self::Minus => "-",
            Self::Plus => "+",
        }
    }
}

impl LogicOp {
    pub(crate) fn precedence(self) -> u16 {
        match self {
            Self::And => 15,
            Self::Or => 10,
        }
    }
}

impl BinaryOp {
    /// Returns the operator that a token names.
    pub(crate) fn of(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            ">" => Self::Greater,
            "<=" => Self::LessEqual,
            ">=" => Self::GreaterEqual,
            "in" => Self::In,
            "matches" => Self::Matches,
            "contains" => Self::Contains,
            "startsWith" => Self::StartsWith,
            "endsWith" => Self::EndsWith,
            ".." => Self::Range,
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "%" => Self::Modulo,
            "**" | "^" => Self::Power,
            "??" => Self::Coalesce,
            _ => return None,
        })
    }

    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessEqual => "<=",
            Self::GreaterEqual => ">=",
            Self::In => "in",
            Self::Matches => "matches",
            Self::Contains => "contains",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Range => "..",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "**",
            Self::Coalesce => "??",
        }
    }

    /// Returns how tightly it binds; higher binds tighter.
    pub(crate) fn precedence(self) -> u16 {
        match self {
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::Greater
            | Self::LessEqual
            | Self::GreaterEqual
            | Self::In
            | Self::Matches
            | Self::Contains
            | Self::StartsWith
            | Self::EndsWith => 20,
            Self::Range => 25,
            Self::Add | Self::Subtract => 30,
            Self::Multiply | Self::Divide | Self::Modulo => 60,
            Self::Power => 100,
            Self::Coalesce => 500,
        }
    }

    pub(crate) fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Less | Self::Greater | Self::LessEqual | Self::GreaterEqual
        )
    }

    /// Reports whether `not` may stand before it (`a not in b`).
    pub(crate) fn may_be_negated(self) -> bool {
        matches!(
            self,
            Self::In | Self::Matches | Self::Contains | Self::StartsWith | Self::EndsWith
        )
    }
}
