//! Operands: literals, names, calls, closures, and what follows them (`.name`, `[index]`, `[from:to]`).

use crate::ast::{Ast, Member, Node, UnaryOp};
use crate::lex::{self, Token, TokenKind};

use super::{Parsed, Parser, Problem, describe};

/// What each argument of a closure builtin is; all but the first two may be left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Argument {
    Value,
    Closure,
    OptionalClosure,
    OptionalValue,
}

/// Returns the arguments of a closure builtin, `None` for every other name.
fn closure_builtin(name: &str) -> Option<&'static [Argument]> {
    use Argument::{Closure, OptionalClosure, OptionalValue, Value};
    match name {
        "all" | "none" | "any" | "one" | "filter" | "map" | "find" | "findIndex" | "findLast"
        | "findLastIndex" | "groupBy" => Some(&[Value, Closure]),
        "count" | "sum" => Some(&[Value, OptionalClosure]),
        "sortBy" | "reduce" => Some(&[Value, Closure, OptionalValue]),
        _ => None,
    }
}

impl Parser {
    pub(super) fn primary(&mut self) -> Parsed {
        if self.current.kind == TokenKind::Operator {
            let unary = match self.current.text.as_str() {
                "not" | "!" => Some((UnaryOp::Not, 50)),
                "-" => Some((UnaryOp::Minus, 90)),
                "+" => Some((UnaryOp::Plus, 90)),
                _ => None,
            };
            if let Some((op, precedence)) = unary {
                let at = self.next().at;
                let operand = self.expression(precedence)?;
                let node = self.node(at, Ast::Unary(op, operand))?;
                return self.postfix(node);
            }
        }
        if self.is_bracket("(") {
            self.next();
            let node = self.sequence()?;
            self.expect(TokenKind::Bracket, ")")?;
            return self.postfix(node);
        }
        if self.closures > 0 && (self.is_operator("#") || self.is_operator(".")) {
            let at = self.current.at;
            let mut name = String::new();
            if self.is_operator("#") {
                self.next();
                if self.current.kind == TokenKind::Identifier {
                    name = self.next().text;
                }
            }
            let node = self.node(at, Ast::Pointer(name.into()))?;
            return self.postfix(node);
        }
        if self.is_operator("::") {
            self.next();
            let name = self.expect_name()?;
            let node = self.call(&name, Vec::new())?;
            return self.postfix(node);
        }
        self.operand()
    }

    fn operand(&mut self) -> Parsed {
        let token = self.current.clone();
        let node = match token.kind {
            TokenKind::Identifier => {
                self.next();
                match token.text.as_str() {
                    // Literals take no postfix: `true.x` is an error.
                    "true" => return self.node(token.at, Ast::Bool(true)),
                    "false" => return self.node(token.at, Ast::Bool(false)),
                    "nil" => return self.node(token.at, Ast::Nil),
                    _ if self.is_bracket("(") => self.call(&token, Vec::new())?,
                    _ => self.node(token.at, Ast::Name(token.text.into()))?,
                }
            }
            TokenKind::Number => {
                self.next();
                return self.number(&token);
            }
            TokenKind::String => {
                self.next();
                self.node(token.at, Ast::Str(token.text.into()))?
            }
            TokenKind::Bytes => {
                self.next();
                self.node(token.at, Ast::Bytes(token.bytes))?
            }
            TokenKind::Bracket if token.text == "[" => self.array(&token)?,
            TokenKind::Bracket if token.text == "{" => self.map(&token)?,
            _ => return Err(self.unexpected()),
        };
        self.postfix(node)
    }

    fn number(&mut self, token: &Token) -> Parsed {
        let text = token.text.replace('_', "");
        let lower = text.to_ascii_lowercase();
        let parsed = if let Some(digits) = lower.strip_prefix("0x") {
            i64::from_str_radix(digits, 16)
                .map(Ast::Int)
                .map_err(|e| ("hex", "ParseInt", overflow(&e)))
        } else if lower.contains(['.', 'e']) {
            match lower.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Ast::Float(number)),
                Ok(_) => Err(("float", "ParseFloat", "value out of range")),
                Err(_) => Err(("float", "ParseFloat", "invalid syntax")),
            }
        } else if let Some(digits) = lower.strip_prefix("0b") {
            i64::from_str_radix(digits, 2)
                .map(Ast::Int)
                .map_err(|e| ("binary", "ParseInt", overflow(&e)))
        } else if let Some(digits) = lower.strip_prefix("0o") {
            i64::from_str_radix(digits, 8)
                .map(Ast::Int)
                .map_err(|e| ("octal", "ParseInt", overflow(&e)))
        } else {
            lower
                .parse()
                .map(Ast::Int)
                .map_err(|e| ("integer", "ParseInt", overflow(&e)))
        };
        match parsed {
            Ok(ast) => self.node(token.at, ast),
            Err((kind, function, why)) => {
                let text = lex::quote(&text);
                Err(self.problem(format!(
                    "invalid {kind} literal: strconv.{function}: parsing {text}: {why}"
                )))
            }
        }
    }

    /// Parses the arguments of `name`; `args` already holds the left side of a pipe.
    pub(super) fn call(&mut self, name: &Token, args: Vec<Node>) -> Parsed {
        let text = name.text.as_str().into();
        if let Some(arguments) = closure_builtin(&name.text) {
            let args = self.closure_arguments(arguments, args)?;
            return self.node(name.at, Ast::Loop { name: text, args });
        }
        let args = self.arguments(args)?;
        self.node(name.at, Ast::NamedCall { name: text, args })
    }

    fn closure_arguments(
        &mut self,
        arguments: &[Argument],
        mut args: Vec<Node>,
    ) -> Result<Vec<Node>, Problem> {
        self.expect(TokenKind::Bracket, "(")?;
        let wanted = arguments.get(args.len()..).unwrap_or_default();
        for (index, argument) in wanted.iter().enumerate() {
            let optional = matches!(argument, Argument::OptionalClosure | Argument::OptionalValue);
            if self.is_bracket(")") {
                if optional {
                    break;
                }
                return Err(self.problem(format!("expected at least {} arguments", wanted.len())));
            }
            if index > 0 {
                self.expect(TokenKind::Operator, ",")?;
            }
            args.push(match argument {
                Argument::Value | Argument::OptionalValue => self.expression(0)?,
                Argument::Closure | Argument::OptionalClosure => self.closure()?,
            });
        }
        if self.is_operator(",") {
            self.next();
        }
        self.expect(TokenKind::Bracket, ")")?;
        Ok(args)
    }

    fn closure(&mut self) -> Parsed {
        let at = self.current.at;
        let braces = self.is_bracket("{");
        if braces {
            self.next();
        }
        self.closures += 1;
        let body = if braces {
            self.sequence()
        } else {
            self.expression(0)
        };
        self.closures -= 1;
        let body = body?;
        if braces {
            self.expect(TokenKind::Bracket, "}")?;
        } else if self.is_operator(";") {
            return Err(self.problem("wrap predicate with brackets { and }"));
        }
        self.node(at, Ast::Predicate(body))
    }

    fn arguments(&mut self, mut args: Vec<Node>) -> Result<Vec<Node>, Problem> {
        let given = args.len();
        self.expect(TokenKind::Bracket, "(")?;
        while !self.is_bracket(")") {
            if args.len() > given {
                self.expect(TokenKind::Operator, ",")?;
                if self.is_bracket(")") {
                    break;
                }
            }
            args.push(self.expression(0)?);
        }
        self.expect(TokenKind::Bracket, ")")?;
        Ok(args)
    }

    fn array(&mut self, token: &Token) -> Parsed {
        self.next();
        let mut nodes = Vec::new();
        while !self.is_bracket("]") {
            if !nodes.is_empty() {
                self.expect(TokenKind::Operator, ",")?;
                if self.is_bracket("]") {
                    break;
                }
            }
            nodes.push(self.expression(0)?);
        }
        self.next();
        self.node(token.at, Ast::Array(nodes))
    }

    fn map(&mut self, token: &Token) -> Parsed {
        self.next();
        let mut pairs = Vec::new();
        while !self.is_bracket("}") {
            if !pairs.is_empty() {
                self.expect(TokenKind::Operator, ",")?;
                if self.is_bracket("}") {
                    break;
                }
                if self.is_operator(",") {
                    return Err(self.unexpected());
                }
            }
            let key = self.map_key()?;
            self.expect(TokenKind::Operator, ":")?;
            pairs.push((key, self.expression(0)?));
        }
        self.next();
        self.node(token.at, Ast::Map(pairs))
    }

    /// A number, a string, a name (both stand for their text), or an expression in parentheses.
    fn map_key(&mut self) -> Parsed {
        match self.current.kind {
            TokenKind::Number | TokenKind::String | TokenKind::Identifier => {
                let token = self.next();
                self.node(token.at, Ast::Str(token.text.into()))
            }
            TokenKind::Bracket if self.current.text == "(" => self.expression(0),
            _ => Err(self.problem(format!(
                "a map key must be a quoted string, a number, a identifier, or an expression enclosed in \
                 parentheses (unexpected token {})",
                describe(&self.current)
            ))),
        }
    }

    pub(super) fn postfix(&mut self, mut node: Node) -> Parsed {
        loop {
            let optional = self.is_operator("?.");
            if optional || self.is_operator(".") {
                let dot = self.next();
                if optional && self.is_bracket("[") {
                    node = self.bracketed(node, true)?;
                    continue;
                }
                node = self.dotted(node, optional, &dot)?;
            } else if self.is_bracket("[") {
                node = self.bracketed(node, false)?;
            } else {
                return Ok(node);
            }
        }
    }

    /// `.name`, `?.name`, `.name(…)`: continues the chain that a `?.` before it opened.
    fn dotted(&mut self, node: Node, optional: bool, dot: &Token) -> Parsed {
        let name = self.next();
        let is_name = match name.kind {
            TokenKind::Identifier => true,
            // Words like `not` and `matches` are valid names of members.
            TokenKind::Operator => lex::is_name(&name.text),
            _ => false,
        };
        if name.kind == TokenKind::End {
            return Err(self.problem("unexpected end of expression"));
        }
        if !is_name {
            let at = if self.current.kind == TokenKind::End {
                self.current.at
            } else {
                dot.at
            };
            return Err(Problem {
                at,
                message: "expected name".to_owned(),
            });
        }
        let property = self.node(name.at, Ast::Str(name.text.into()))?;
        let (chained, base) = match *node.ast {
            Ast::Chain(inner) => (true, inner),
            ast => (
                false,
                Node {
                    ast: Box::new(ast),
                    ..node
                },
            ),
        };
        let method = self.is_bracket("(");
        let mut node = self.node(
            name.at,
            Ast::Member(Member {
                base,
                property,
                optional,
                method,
            }),
        )?;
        if method {
            let args = self.arguments(Vec::new())?;
            node = self.node(name.at, Ast::Call { callee: node, args })?;
        }
        if chained || optional {
            self.node(name.at, Ast::Chain(node))
        } else {
            Ok(node)
        }
    }

    /// `[index]`, `[from:to]` with either end left out.
    fn bracketed(&mut self, base: Node, optional: bool) -> Parsed {
        let at = self.next().at;
        let from = if self.is_operator(":") {
            None
        } else {
            Some(self.expression(0)?)
        };
        let node = match from {
            from if self.is_operator(":") => {
                self.next();
                let to = if self.is_bracket("]") {
                    None
                } else {
                    Some(self.expression(0)?)
                };
                self.node(at, Ast::Slice { base, from, to })?
            }
            Some(property) => {
                let member = Member {
                    base,
                    property,
                    optional,
                    method: false,
                };
                let node = self.node(at, Ast::Member(member))?;
                if optional {
                    self.node(at, Ast::Chain(node))?
                } else {
                    node
                }
            }
            None => return Err(self.unexpected()),
        };
        self.expect(TokenKind::Bracket, "]")?;
        Ok(node)
    }
}

fn overflow(error: &std::num::ParseIntError) -> &'static str {
    match error.kind() {
        std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => "value out of range",
        _ => "invalid syntax",
    }
}
