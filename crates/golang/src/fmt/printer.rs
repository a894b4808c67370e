//! The walk over a format string: flags, widths, argument numbers.

use super::Arg;
use super::verb::{Spec, print};

/// Widths and precisions beyond this are refused, as in Go.
const TOO_LARGE: i64 = 1_000_000;

pub(super) fn sprintf(format: &str, args: &[Arg<'_>]) -> String {
    let mut walk = Walk {
        rest: format,
        args,
        next: 0,
        reordered: false,
        good_index: true,
        out: String::new(),
    };
    while let Some((literal, verb)) = walk.rest.split_once('%') {
        walk.out.push_str(literal);
        walk.rest = verb;
        walk.verb();
    }
    walk.out.push_str(walk.rest);
    walk.extra();
    walk.out
}

pub(super) fn sprint(args: &[Arg<'_>]) -> String {
    let mut out = String::new();
    let mut previous_is_text = true;
    for (n, arg) in args.iter().enumerate() {
        let is_text = matches!(arg, Arg::Str(_));
        if n > 0 && !is_text && !previous_is_text {
            out.push(' ');
        }
        print(&mut out, arg, &Spec::default());
        previous_is_text = is_text;
    }
    out
}

struct Walk<'f, 'a> {
    rest: &'f str,
    args: &'a [Arg<'a>],
    next: usize,
    /// An argument number was given somewhere, so unused arguments are no mistake.
    reordered: bool,
    good_index: bool,
    out: String,
}

impl Walk<'_, '_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn verb(&mut self) {
        let mut spec = Spec::default();
        self.good_index = true;
        self.flags(&mut spec);
        let mut after_index = self.index();
        after_index = self.width(&mut spec, after_index);
        after_index = self.precision(&mut spec, after_index);
        if !after_index {
            self.index();
        }
        let Some(verb) = self.peek() else {
            self.out.push_str("%!(NOVERB)");
            return;
        };
        self.skip(verb.len_utf8());
        spec.verb = verb;
        if verb == '%' {
            self.out.push('%');
        } else if !self.good_index {
            self.complain(verb, "BADINDEX");
        } else if let Some(arg) = self.args.get(self.next) {
            self.next += 1;
            print(&mut self.out, arg, &spec);
        } else {
            self.complain(verb, "MISSING");
        }
    }

    fn complain(&mut self, verb: char, what: &str) {
        self.out.push_str("%!");
        self.out.push(verb);
        self.out.push('(');
        self.out.push_str(what);
        self.out.push(')');
    }

    fn flags(&mut self, spec: &mut Spec) {
        while let Some(c) = self.peek() {
            match c {
                '#' => spec.sharp = true,
                '0' => spec.zero = true,
                '+' => spec.plus = true,
                '-' => spec.minus = true,
                ' ' => spec.space = true,
                _ => return,
            }
            self.skip(1);
        }
    }

    fn width(&mut self, spec: &mut Spec, after_index: bool) -> bool {
        if self.peek() == Some('*') {
            self.skip(1);
            match self.star() {
                Some(width) => {
                    spec.minus |= width < 0;
                    spec.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => self.out.push_str("%!(BADWIDTH)"),
            }
            return false;
        }
        spec.width = self.number();
        if after_index && spec.width.is_some() {
            self.good_index = false;
        }
        after_index
    }

    fn precision(&mut self, spec: &mut Spec, after_index: bool) -> bool {
        if self.peek() != Some('.') {
            return after_index;
        }
        self.skip(1);
        if after_index {
            self.good_index = false;
        }
        let after_index = self.index();
        if self.peek() == Some('*') {
            self.skip(1);
            match self.star() {
                Some(precision) if precision >= 0 => spec.precision = usize::try_from(precision).ok(),
                Some(_) => {}
                None => self.out.push_str("%!(BADPREC)"),
            }
            return false;
        }
        spec.precision = Some(self.number().unwrap_or(0));
        after_index
    }

    /// Takes the argument of a `*`.
    fn star(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        match arg {
            Arg::Int(n) if n.abs() <= TOO_LARGE => Some(*n),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<usize> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = self
            .rest
            .get(..digits)?
            .parse::<i64>()
            .ok()
            .filter(|n| *n <= TOO_LARGE);
        if digits > 0 {
            self.skip(digits);
        }
        usize::try_from(number?).ok()
    }

    /// Takes `[3]` and makes it the next argument; tells whether there was one.
    fn index(&mut self) -> bool {
        let Some(inner) = self.rest.strip_prefix('[') else {
            return false;
        };
        self.reordered = true;
        let Some(end) = inner.find(']') else {
            self.good_index = false;
            self.skip(1);
            return false;
        };
        let index = inner.get(..end).and_then(|n| n.parse::<usize>().ok());
        self.skip(end + 2);
        let index = index
            .and_then(|n| n.checked_sub(1))
            .filter(|n| *n < self.args.len());
        if let Some(index) = index {
            self.next = index;
        } else {
            self.good_index = false;
        }
        true
    }

    /// Lists the arguments that no verb took.
    fn extra(&mut self) {
        let Some(unused) = self.args.get(self.next..).filter(|unused| !unused.is_empty()) else {
            return;
        };
        if self.reordered {
            return;
        }
        self.out.push_str("%!(EXTRA ");
        for (n, arg) in unused.iter().enumerate() {
            if n > 0 {
                self.out.push_str(", ");
            }
            if *arg == Arg::Nil {
                self.out.push_str("<nil>");
                continue;
            }
            self.out.push_str(arg.type_name());
            self.out.push('=');
            print(&mut self.out, arg, &Spec::default());
        }
        self.out.push(')');
    }
}
