//! Reads tokens into a tree: operators by precedence, then conditionals, `let` and sequences.
//!
//! Upstream: expr-lang 1.17.8, `parser/parser.go`; the first error stops the parse.

mod primary;

use std::collections::VecDeque;

use crate::ast::{Ast, BinaryOp, LogicOp, Node, UnaryOp};
use crate::error::CompileError;
use crate::lex::{self, Token, TokenKind};
use crate::limits;

/// Parses a whole expression.
pub(crate) fn parse(source: &str) -> Result<Node, CompileError> {
    if source.len() > limits::SOURCE_BYTES {
        return Err(CompileError::unplaced(format!(
            "expression is longer than {} bytes",
            limits::SOURCE_BYTES
        )));
    }
    let place = |error: Problem| CompileError::at(source, error.at, error.message);
    let tokens = lex::tokens(source).map_err(|error| CompileError::at(source, error.at, error.message))?;
    let mut parser = Parser::new(tokens);
    let node = parser.sequence().map_err(place)?;
    if parser.current.kind != TokenKind::End {
        return Err(place(parser.unexpected()));
    }
    Ok(node)
}

/// Says what is wrong at which rune.
#[derive(Debug)]
struct Problem {
    at: usize,
    message: String,
}

type Parsed = Result<Node, Problem>;

struct Parser {
    current: Token,
    rest: VecDeque<Token>,
    /// Closures around the current token: `#` and `.field` are allowed inside one.
    closures: usize,
    level: usize,
    nodes: usize,
}

impl Parser {
    fn new(mut rest: VecDeque<Token>) -> Self {
        let end = Token {
            kind: TokenKind::End,
            text: String::new(),
            bytes: Vec::new(),
            at: 0,
        };
        let current = rest.pop_front().unwrap_or(end);
        Self {
            current,
            rest,
            closures: 0,
            level: 0,
            nodes: 0,
        }
    }

    // tokens

    fn next(&mut self) -> Token {
        match self.rest.pop_front() {
            Some(next) => std::mem::replace(&mut self.current, next),
            // The end token is never passed.
            None => self.current.clone(),
        }
    }

    fn is(&self, kind: TokenKind, text: &str) -> bool {
        self.current.kind == kind && self.current.text == text
    }

    fn is_operator(&self, text: &str) -> bool {
        self.is(TokenKind::Operator, text)
    }

    fn is_bracket(&self, text: &str) -> bool {
        self.is(TokenKind::Bracket, text)
    }

    fn expect(&mut self, kind: TokenKind, text: &str) -> Result<Token, Problem> {
        if self.is(kind, text) {
            Ok(self.next())
        } else {
            Err(self.unexpected())
        }
    }

    fn expect_name(&mut self) -> Result<Token, Problem> {
        if self.current.kind == TokenKind::Identifier {
            Ok(self.next())
        } else {
            Err(self.unexpected())
        }
    }

    // errors and nodes

    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem {
            at: self.current.at,
            message: message.into(),
        }
    }

    fn unexpected(&self) -> Problem {
        self.problem(format!("unexpected token {}", describe(&self.current)))
    }

    fn node(&mut self, at: usize, ast: Ast) -> Parsed {
        let node = Node::new(at, ast);
        self.nodes += 1;
        if self.nodes > limits::NODES || usize::try_from(node.size).unwrap_or(usize::MAX) > limits::NODES {
            return Err(self.problem("compilation failed: expression exceeds maximum allowed nodes"));
        }
        if usize::from(node.depth) > limits::DEPTH {
            return Err(self.too_deep());
        }
        Ok(node)
    }

    fn too_deep(&self) -> Problem {
        self.problem(format!(
            "expression is nested more than {} levels deep",
            limits::DEPTH
        ))
    }

    /// Runs `parse` one level deeper.
    fn deeper(&mut self, parse: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.level >= limits::DEPTH {
            return Err(self.too_deep());
        }
        self.level += 1;
        let result = parse(self);
        self.level -= 1;
        result
    }

    // grammar, from the loosest binding inwards

    /// `a; b; c`
    fn sequence(&mut self) -> Parsed {
        let first = self.expression(0)?;
        let at = first.at;
        let mut nodes = vec![first];
        while self.is_operator(";") {
            self.next();
            if self.current.kind == TokenKind::End {
                break;
            }
            nodes.push(self.expression(0)?);
        }
        match nodes.len() {
            1 => Ok(nodes.remove(0)),
            _ => self.node(at, Ast::Sequence(nodes)),
        }
    }

    fn expression(&mut self, precedence: u16) -> Parsed {
        self.deeper(|parser| {
            if precedence > 0 {
                return parser.operators(precedence);
            }
            if parser.is_operator("let") {
                return parser.declaration();
            }
            if parser.is_operator("if") {
                return parser.if_else();
            }
            let node = parser.operators(0)?;
            parser.ternary(node)
        })
    }

    fn declaration(&mut self) -> Parsed {
        self.next();
        let name = self.expect_name()?;
        self.expect(TokenKind::Operator, "=")?;
        let value = self.expression(0)?;
        self.expect(TokenKind::Operator, ";")?;
        let body = self.sequence()?;
        self.node(
            name.at,
            Ast::Let {
                name: name.text.into(),
                value,
                body,
            },
        )
    }

    fn if_else(&mut self) -> Parsed {
        self.next();
        let condition = self.expression(0)?;
        let yes = self.block()?;
        self.expect(TokenKind::Operator, "else")?;
        let no = if self.is_operator("if") {
            self.deeper(Self::if_else)?
        } else {
            self.block()?
        };
        self.node(0, Ast::Conditional { condition, yes, no })
    }

    fn block(&mut self) -> Parsed {
        self.expect(TokenKind::Bracket, "{")?;
        let body = self.sequence()?;
        self.expect(TokenKind::Bracket, "}")?;
        Ok(body)
    }

    /// `c ? a : b` and `c ?: b`, any number in a row.
    fn ternary(&mut self, mut node: Node) -> Parsed {
        while self.is_operator("?") {
            self.next();
            let yes = if self.is_operator(":") {
                self.copy(&node)?
            } else {
                self.expression(0)?
            };
            self.expect(TokenKind::Operator, ":")?;
            let no = self.expression(0)?;
            let at = self.current.at;
            node = self.node(
                at,
                Ast::Conditional {
                    condition: node,
                    yes,
                    no,
                },
            )?;
        }
        Ok(node)
    }

    fn operators(&mut self, precedence: u16) -> Parsed {
        let mut left = self.primary()?;
        let mut after_coalesce = false;
        while self.current.kind == TokenKind::Operator {
            let negated = self.is_operator("not");
            if negated && !self.negatable_follows(precedence)? {
                break;
            }
            let symbol = if negated {
                &self.rest[0].text
            } else {
                &self.current.text
            };
            let Some(operator) = Operator::of(symbol).filter(|op| op.precedence() >= precedence) else {
                break;
            };
            if negated {
                self.next();
            }
            let token = self.next();
            if after_coalesce && !matches!(operator, Operator::Pipe | Operator::Binary(BinaryOp::Coalesce)) {
                return Err(Problem {
                    at: token.at,
                    message: format!(
                        "Operator ({}) and coalesce expressions (??) cannot be mixed. Wrap either by parentheses.",
                        token.text
                    ),
                });
            }
            after_coalesce = operator == Operator::Binary(BinaryOp::Coalesce);
            left = match operator {
                Operator::Pipe => {
                    let name = self.expect_name()?;
                    self.call(&name, vec![left])?
                }
                Operator::Logic(op) => self.logic(op, left, &token)?,
                Operator::Binary(op) if op.is_comparison() => self.comparisons(left, op, &token)?,
                Operator::Binary(op) => {
                    let power = op == BinaryOp::Power;
                    let right = self.expression(op.precedence() + u16::from(!power))?;
                    self.node(token.at, Ast::Binary(op, left, right))?
                }
            };
            if negated {
                left = self.node(token.at, Ast::Unary(UnaryOp::Not, left))?;
            }
        }
        Ok(left)
    }

    /// Looks past a `not` between operands: true when an operator that may be negated follows and binds tightly
    /// enough for this level.
    fn negatable_follows(&self, precedence: u16) -> Result<bool, Problem> {
        let next = self.rest.front().unwrap_or(&self.current);
        match BinaryOp::of(&next.text).filter(|op| op.may_be_negated()) {
            Some(op) => Ok(op.precedence() >= precedence),
            None => Err(Problem {
                at: next.at,
                message: format!("unexpected token {}", describe(next)),
            }),
        }
    }

    /// Collects `a && b && c` into one node, so that long chains stay flat.
    fn logic(&mut self, op: LogicOp, left: Node, token: &Token) -> Parsed {
        let right = self.expression(op.precedence() + 1)?;
        let (at, mut items) = match *left.ast {
            Ast::Logic(same, items) if same == op => (left.at, items),
            ast => (
                token.at,
                vec![(
                    token.at,
                    Node {
                        ast: Box::new(ast),
                        ..left
                    },
                )],
            ),
        };
        items.push((token.at, right));
        self.node(at, Ast::Logic(op, items))
    }

    /// `a < b <= c` is `a < b && b <= c`.
    fn comparisons(&mut self, mut left: Node, mut op: BinaryOp, token: &Token) -> Parsed {
        let mut at = token.at;
        let mut items = Vec::new();
        loop {
            let right = self.expression(op.precedence() + 1)?;
            let again = BinaryOp::of(&self.current.text)
                .filter(|op| self.current.kind == TokenKind::Operator && op.is_comparison());
            let next_left = match again {
                Some(_) => Some(self.copy(&right)?),
                None => None,
            };
            items.push((at, self.node(at, Ast::Binary(op, left, right))?));
            match (again, next_left) {
                (Some(next), Some(copy)) => {
                    op = next;
                    left = copy;
                    at = self.next().at;
                }
                _ => break,
            }
        }
        match items.len() {
            1 => Ok(items.remove(0).1),
            _ => self.node(at, Ast::Logic(LogicOp::And, items)),
        }
    }

    fn copy(&mut self, node: &Node) -> Parsed {
        self.nodes += usize::try_from(node.size).unwrap_or(usize::MAX / 2);
        if self.nodes > limits::NODES {
            return Err(self.problem("compilation failed: expression exceeds maximum allowed nodes"));
        }
        Ok(node.clone())
    }
}

/// What an operator token between two operands means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Pipe,
    Logic(LogicOp),
    Binary(BinaryOp),
}

impl Operator {
    fn of(symbol: &str) -> Option<Self> {
        match symbol {
            "|" => Some(Self::Pipe),
            "&&" | "and" => Some(Self::Logic(LogicOp::And)),
            "||" | "or" => Some(Self::Logic(LogicOp::Or)),
            _ => BinaryOp::of(symbol).map(Self::Binary),
        }
    }

    fn precedence(self) -> u16 {
        match self {
            Self::Pipe => 0,
            Self::Logic(op) => op.precedence(),
            Self::Binary(op) => op.precedence(),
        }
    }
}

/// Spells a token as expr-lang's messages do: `Operator("+")`.
fn describe(token: &Token) -> String {
    let kind = match token.kind {
        TokenKind::Identifier => "Identifier",
        TokenKind::Number => "Number",
        TokenKind::String => "String",
        TokenKind::Bytes => "Bytes",
        TokenKind::Operator => "Operator",
        TokenKind::Bracket => "Bracket",
        TokenKind::End => "EOF",
    };
    if token.text.is_empty() {
        kind.to_owned()
    } else {
        format!("{kind}({})", lex::quote(&token.text))
    }
}

#[cfg(test)]
mod tests;
