//! Tables as upstream's `cscli` prints them: `Style::Plain` (dash rules, no columns) and `Style::Boxed` (`+---+`),
//! with line-drawing characters when colours are on. Shapes: outputs recorded from 1.7.8.

/// How a table looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Dash rules above and below, two blanks between columns.
    Plain,
    /// Boxes, headers in the middle.
    Boxed,
}

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Align {
    #[default]
    Left,
    Right,
    Center,
}

/// A table under construction.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    style: Style,
    color: bool,
    title: Option<String>,
    header: Option<Vec<String>>,
    header_align: Align,
    rows: Vec<Row>,
    footer: Option<Vec<String>>,
    widths: Vec<Option<usize>>,
    aligns: Vec<Align>,
}

#[derive(Clone, Debug)]
enum Row {
    Cells(Vec<String>),
    Rule,
}

/// The width at which upstream wraps long reasons and values.
pub(crate) const WRAP: usize = 60;

impl Table {
    /// Starts a table.
    pub(crate) fn new(style: Style, color: bool) -> Self {
        Self {
            style,
            color,
            title: None,
            header: None,
            header_align: if style == Style::Boxed {
                Align::Center
            } else {
                Align::Left
            },
            rows: Vec::new(),
            footer: None,
            widths: Vec::new(),
            aligns: Vec::new(),
        }
    }

    /// Sets the line over everything.
    pub(crate) fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets the column names.
    pub(crate) fn header<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.header = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Sets where the column names stand.
    pub(crate) fn header_align(mut self, align: Align) -> Self {
        self.header_align = align;
        self
    }

    /// Sets the alignment of the columns, first to last.
    pub(crate) fn align(mut self, aligns: impl IntoIterator<Item = Align>) -> Self {
        self.aligns = aligns.into_iter().collect();
        self
    }

    /// Wraps a column (from 0) at `width`.
    pub(crate) fn wrap(mut self, column: usize, width: usize) -> Self {
        if self.widths.len() <= column {
            self.widths.resize(column + 1, None);
        }
        if let Some(slot) = self.widths.get_mut(column) {
            *slot = Some(width);
        }
        self
    }

    /// Sets the last row, under a rule of its own.
    pub(crate) fn footer<S: Into<String>>(mut self, cells: impl IntoIterator<Item = S>) -> Self {
        self.footer = Some(cells.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a row.
    pub(crate) fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows
            .push(Row::Cells(cells.into_iter().map(Into::into).collect()));
    }

    /// Adds a line between the rows before and after.
    pub(crate) fn rule(&mut self) {
        self.rows.push(Row::Rule);
    }

    /// Returns whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the text, with a line end after the last line.
    pub(crate) fn render(&self) -> String {
        let widths = self.column_widths();
        let mut text = String::new();
        if let Some(title) = &self.title {
            self.rule_line(&mut text, &widths, Place::TitleTop);
            let inner = self.inner_width(&widths);
            self.line(
                &mut text,
                &[inner],
                std::slice::from_ref(title),
                &[Align::Left],
                false,
            );
        }
        let above = if self.title.is_some() {
            Place::BelowTitle
        } else {
            Place::Top
        };
        self.rule_line(&mut text, &widths, above);
        if let Some(header) = &self.header {
            let aligns = vec![self.header_align; widths.len()];
            self.cells(&mut text, &widths, header, &aligns, true);
            self.rule_line(&mut text, &widths, Place::Middle);
        }
        for row in &self.rows {
            match row {
                Row::Cells(cells) => self.cells(&mut text, &widths, cells, &self.aligns, false),
                Row::Rule => self.rule_line(&mut text, &widths, Place::Middle),
            }
        }
        if let Some(footer) = &self.footer {
            self.rule_line(&mut text, &widths, Place::Middle);
            self.cells(&mut text, &widths, footer, &self.aligns, false);
        }
        self.rule_line(&mut text, &widths, Place::Bottom);
        text
    }

    fn column_widths(&self) -> Vec<usize> {
        let cells = self.rows.iter().filter_map(|row| match row {
            Row::Cells(cells) => Some(cells),
            Row::Rule => None,
        });
        let mut widths: Vec<usize> = Vec::new();
        for cells in self.header.iter().chain(cells).chain(&self.footer) {
            for (column, cell) in cells.iter().enumerate() {
                if widths.len() <= column {
                    widths.push(0);
                }
                let limit = self.widths.get(column).copied().flatten().unwrap_or(usize::MAX);
                let longest = cell.lines().map(width).max().unwrap_or(0).min(limit);
                if let Some(slot) = widths.get_mut(column) {
                    *slot = (*slot).max(longest);
                }
            }
        }
        self.fit_title(&mut widths);
        widths
    }

    /// A title wider than the columns widens the last of them.
    fn fit_title(&self, widths: &mut [usize]) {
        let Some(title) = &self.title else { return };
        let inner = self.inner_width(widths);
        if let Some(last) = widths.last_mut() {
            *last += width(title).saturating_sub(inner);
        }
    }

    /// The width of one cell that spans all columns, without its two blanks.
    fn inner_width(&self, widths: &[usize]) -> usize {
        let separator = usize::from(self.style == Style::Boxed);
        let total: usize = widths.iter().map(|width| width + 2 + separator).sum();
        total.saturating_sub(2 + separator)
    }

    fn cells(&self, text: &mut String, widths: &[usize], cells: &[String], aligns: &[Align], header: bool) {
        let wrapped: Vec<Vec<String>> = widths
            .iter()
            .enumerate()
            .map(|(column, width)| wrap(cells.get(column).map_or("", String::as_str), *width))
            .collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(1).max(1);
        for line in 0..height {
            let parts: Vec<String> = wrapped
                .iter()
                .map(|cell| cell.get(line).cloned().unwrap_or_default())
                .collect();
            self.line(text, widths, &parts, aligns, header);
        }
    }

    fn line(&self, text: &mut String, widths: &[usize], cells: &[String], aligns: &[Align], header: bool) {
        let border = match (self.style, self.color) {
            (Style::Plain, _) => "",
            (Style::Boxed, false) => "|",
            (Style::Boxed, true) => "\u{1b}[90m│\u{1b}[0m",
        };
        let (on, off) = if header && self.color {
            ("\u{1b}[3m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        text.push_str(border);
        for (column, width) in widths.iter().enumerate() {
            let cell = cells.get(column).map_or("", String::as_str);
            let padded = pad(cell, *width, aligns.get(column).copied().unwrap_or_default());
            text.extend([on, " ", &padded, " ", off, border]);
        }
        text.push('\n');
    }

    fn rule_line(&self, text: &mut String, widths: &[usize], place: Place) {
        let joined = place == Place::TitleTop;
        let lengths: Vec<usize> = if joined {
            vec![self.inner_width(widths) + 2]
        } else {
            widths.iter().map(|w| w + 2).collect()
        };
        let fill = if self.color { "─" } else { "-" };
        let (on, off) = if self.color {
            ("\u{1b}[90m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        let (left, middle, right) = match self.style {
            Style::Plain => ("", "", ""),
            Style::Boxed => place.corners(self.color),
        };
        let corner = |text: &mut String, sign: &str| {
            if !sign.is_empty() {
                text.extend([on, sign, off]);
            }
        };
        corner(text, left);
        for (column, length) in lengths.iter().enumerate() {
            if column > 0 {
                corner(text, middle);
            }
            text.push_str(on);
            for _ in 0..*length {
                text.push_str(fill);
            }
            text.push_str(off);
        }
        corner(text, right);
        text.push('\n');
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    TitleTop,
    Top,
    BelowTitle,
    Middle,
    Bottom,
}

impl Place {
    fn corners(self, color: bool) -> (&'static str, &'static str, &'static str) {
        if !color {
            return ("+", "+", "+");
        }
        match self {
            Self::TitleTop | Self::Top => ("╭", "┬", "╮"),
            Self::BelowTitle => ("├", "┬", "┤"),
            Self::Middle => ("├", "┼", "┤"),
            Self::Bottom => ("╰", "┴", "╯"),
        }
    }
}

/// Writes `text` so that it is `width` wide.
fn pad(text: &str, wide: usize, align: Align) -> String {
    let spare = wide.saturating_sub(width(text));
    let left = match align {
        Align::Left => 0,
        Align::Right => spare,
        // The larger half goes to the left, as in upstream's tables.
        Align::Center => spare.div_ceil(2),
    };
    format!("{:left$}{text}{:right$}", "", "", right = spare - left)
}

/// Breaks at blanks; words longer than a line are cut.
fn wrap(text: &str, limit: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for source in text.lines() {
        if width(source) <= limit {
            lines.push(source.to_owned());
            continue;
        }
        let mut line = String::new();
        for word in source.split(' ') {
            let mut word = word.to_owned();
            let joined = width(&line) + usize::from(!line.is_empty()) + width(&word);
            if !line.is_empty() && joined > limit {
                lines.push(std::mem::take(&mut line));
            }
            while width(&word) > limit && limit > 0 {
                let cut: String = word.chars().take(limit).collect();
                word = word.chars().skip(limit).collect();
                lines.push(cut);
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        lines.push(line);
    }
    lines
}

/// Returns how many columns a terminal needs; emoji take two, joiners none.
pub(crate) fn width(text: &str) -> usize {
    text.chars()
        .map(|c| match u32::from(c) {
            0..=0x1f | 0x7f | 0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
            0x1100..=0x115f
            | 0x2705
            | 0x274c
            | 0x2e80..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0xffe0..=0xffe6
            | 0x1f300..=0x1f64f
            | 0x1f680..=0x1f9ff
            | 0x20000..=0x3fffd => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_tables_have_rules_and_no_columns() {
        let mut table = Table::new(Style::Plain, false)
            .title("PARSERS")
            .header(["Name", "📦 Status"]);
        table.row(["a/b", "✔️  enabled"]);
        table.row(["a/long", "🚫  disabled"]);
        insta::assert_snapshot!(table.render(), @r"
        ----------------------
         PARSERS              
        ----------------------
         Name    📦 Status    
        ----------------------
         a/b     ✔️  enabled   
         a/long  🚫  disabled 
        ----------------------
        ");
    }

    #[test]
    fn boxed_tables_centre_headers_and_wrap_at_blanks() {
        let mut table = Table::new(Style::Boxed, false)
            .header(["ID", "Source", "Reason"])
            .wrap(2, 12);
        table.row(["1", "cscli", "manual 'ban' from 'somebody'"]);
        table.rule();
        table.row(["22", "x", "0123456789abcdef"]);
        insta::assert_snapshot!(table.render(), @r"
        +----+--------+--------------+
        | ID | Source |    Reason    |
        +----+--------+--------------+
        | 1  | cscli  | manual 'ban' |
        |    |        | from         |
        |    |        | 'somebody'   |
        +----+--------+--------------+
        | 22 | x      | 0123456789ab |
        |    |        | cdef         |
        +----+--------+--------------+
        ");
    }

    #[test]
    fn colours_turn_rules_into_lines() {
        let mut table = Table::new(Style::Boxed, true).header(["ID"]);
        table.row(["1"]);
        assert_eq!(
            table.render().lines().next().unwrap(),
            "\u{1b}[90m╭\u{1b}[0m\u{1b}[90m────\u{1b}[0m\u{1b}[90m╮\u{1b}[0m"
        );
    }
}
