//! What is wrong with a template that the engine can't read: the place and the cure.

use minijinja::machinery::parse_expr;

use super::tag::{Tag, TagEnd, TagKind, tags};

/// The end of a sentence about a template that the engine can't read, from `is not a template`.
pub(super) fn explain(source: &str, error: &minijinja::Error) -> String {
    let (start, problem) = first_mistake(source).unwrap_or_else(|| {
        let line = error.line().unwrap_or(1).saturating_sub(1);
        let lines = source.split_inclusive('\n').take(line);
        (lines.map(str::len).sum(), in_words(error))
    });
    let (line, column) = place(source, start);
    format!("is not a template: at line {line}, column {column}, {problem}")
}

/// The line and the column of this byte, as people count.
pub(super) fn place(source: &str, byte: usize) -> (usize, usize) {
    let before = source.get(..byte).unwrap_or(source);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(line_start..).unwrap_or_default();
    (before.matches('\n').count() + 1, column.chars().count() + 1)
}

/// The way to write a column of any name in a template.
pub(super) fn column_form(name: &str) -> String {
    let quote = if name.contains('\'') { '"' } else { '\'' };
    format!("{{{{ row[{quote}{name}{quote}] }}}}")
}

/// What stands before the first filter: the column's name, if the author meant one.
pub(super) fn before_filters(inside: &str) -> &str {
    inside.split('|').next().unwrap_or(inside).trim()
}

/// Whether the engine takes this text for one name.
pub(super) fn is_identifier(text: &str) -> bool {
    use minijinja::machinery::ast::Expr;
    matches!(parse_expr(text), Ok(Expr::Var(var)) if var.id == text)
}

fn first_mistake(source: &str) -> Option<(usize, String)> {
    let mut open = Vec::new();
    for tag in tags(source) {
        let problem = match (&tag.end, tag.kind) {
            (TagEnd::Missing, _) => Some(missing_end(&tag)),
            (TagEnd::OpenQuote(quote), _) => Some(format!(
                "a `{quote}` is missing: the quote in `{} {}` is not closed",
                tag.kind.opening(),
                excerpt(tag.inside)
            )),
            (TagEnd::Closed, TagKind::Value) => value_mistake(tag.inside),
            (TagEnd::Closed, TagKind::Statement) => statement_mistake(&tag, &mut open),
            (TagEnd::Closed, TagKind::Comment) => None,
        };
        if let Some(problem) = problem {
            return Some((tag.start, problem));
        }
    }
    let Open { start, word, tag } = open.pop()?;
    Some((
        start,
        format!("a `{{% end{word} %}}` is missing for `{{% {tag} %}}`"),
    ))
}

fn missing_end(tag: &Tag<'_>) -> String {
    let (opening, closing) = (tag.kind.opening(), tag.kind.closing());
    format!(
        "a `{closing}` is missing after `{opening} {}`",
        excerpt(tag.inside)
    )
}

/// The beginning of a text that its author wrote, for a sentence.
fn excerpt(text: &str) -> String {
    const MAX: usize = 30;
    let line = text.lines().next().unwrap_or_default().trim_end();
    match line.char_indices().nth(MAX) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line.to_owned(),
    }
}

fn value_mistake(inside: &str) -> Option<String> {
    let error = parse_expr(inside).err()?;
    let name = before_filters(inside);
    if name.is_empty() {
        return Some("`{{` and `}}` have nothing between them: write a column's name there".into());
    }
    let shown = excerpt(inside);
    if may_be_a_column(name) {
        return Some(format!(
            "`{{{{ {shown} }}}}` can't be read; write a column with this name as `{}`",
            column_form(name)
        ));
    }
    Some(format!(
        "`{{{{ {shown} }}}}` can't be read: {}",
        in_words(&error)
    ))
}

/// Whether an author may have meant a column of this name, which the engine can't read.
fn may_be_a_column(name: &str) -> bool {
    let is_code = |letter: char| "\"'()[]{}=".contains(letter);
    !name.contains(is_code)
        && !name.ends_with(['+', '*', '/', '~', '.', ','])
        && parse_expr(name).is_err()
}

struct Open<'s> {
    start: usize,
    word: &'s str,
    tag: &'s str,
}

/// The statements that have an end.
const BLOCKS: [&str; 6] = ["if", "for", "with", "set", "filter", "autoescape"];

fn statement_mistake<'s>(tag: &Tag<'s>, open: &mut Vec<Open<'s>>) -> Option<String> {
    let inside = tag.inside;
    let word = inside
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()?;
    let rest = inside.strip_prefix(word)?.trim();
    let closed = word.strip_prefix("end");
    if let Some(closed) = closed.filter(|word| BLOCKS.contains(word)) {
        return end_mistake(word, closed, open.pop());
    }
    let in_block = open
        .last()
        .is_some_and(|last| ["if", "for"].contains(&last.word));
    match word {
        "elseif" | "elsif" => Some(format!(
            "there is no `{{% {word} %}}`; write `{{% elif … %}}`"
        )),
        "else" if rest.starts_with("if ") => {
            Some("there is no `{% else if … %}`; write `{% elif … %}`".into())
        }
        "else" | "elif" if !in_block => {
            Some(format!("`{{% {word} %}}` has no `{{% if … %}}` before it"))
        }
        "else" | "raw" | "do" => None,
        "if" | "elif" => {
            if word == "if" {
                open.push(Open {
                    start: tag.start,
                    word,
                    tag: inside,
                });
            }
            let error = parse_expr(rest).err()?;
            Some(format!(
                "`{{% {} %}}` can't be read: {}",
                excerpt(inside),
                in_words(&error)
            ))
        }
        // A `set` with a value is whole in itself.
        "set" if rest.contains('=') => None,
        _ if BLOCKS.contains(&word) => {
            open.push(Open {
                start: tag.start,
                word,
                tag: inside,
            });
            None
        }
        _ => Some(format!(
            "there is no `{{% {word} %}}`; there are {}, `raw` and `do`",
            BLOCKS.map(|word| format!("`{word}`")).join(", ")
        )),
    }
}

/// What is wrong with a statement that ends the block `last`.
fn end_mistake(word: &str, closed: &str, last: Option<Open<'_>>) -> Option<String> {
    match last {
        Some(last) if last.word == closed => None,
        Some(last) => Some(format!(
            "a `{{% end{} %}}` is missing before `{{% {word} %}}`",
            last.word
        )),
        None => Some(format!(
            "`{{% {word} %}}` has no `{{% {closed} … %}}` before it"
        )),
    }
}

/// The engine's own words.
fn in_words(error: &minijinja::Error) -> String {
    let detail = error.detail().unwrap_or("syntax error");
    detail
        .replace("end of variable block", "`}}`")
        .replace("end of block", "`%}`")
        .replace("end of input", "the end")
}

#[cfg(test)]
mod tests {
    use minijinja::machinery::parse;

    use super::super::engine::syntax;
    use super::*;

    #[test]
    fn each_mistake_has_its_place_and_its_cure() {
        for row in r"
            {{ name => column 1, a `}}` is missing after `{{ name`
            Hi {{ name } => column 4, a `}}` is missing after `{{ name }`
            早安 {{ name {{ code }} => column 4, a `}}` is missing after `{{ name`
            a⏎b {{ name => line 2, column 3, a `}}` is missing after `{{ name`
            {% if vip }}★ => a `%}` is missing after `{% if vip }}★`
            {# note => a `#}` is missing after `{# note`
            {{ 'a }} => a `'` is missing: the quote in `{{ 'a` is not closed
            {{ }} => have nothing between them
            {{ | upper }} => have nothing between them
            {{ first name }} => as `{{ row['first name'] }}`
            {{ first name | upper }} => as `{{ row['first name'] }}`
            {{ 1st }} => as `{{ row['1st'] }}`
            {{ 姓名（暱稱） }} => as `{{ row['姓名（暱稱）'] }}`
            {{ 🎄 }} => as `{{ row['🎄'] }}`
            {{ 50% off! }} => as `{{ row['50% off!'] }}`
            {{ name | }} => `{{ name | }}` can't be read: unexpected the end
            {{ a + }} => `{{ a + }}` can't be read
            {{ upper(name }} => `{{ upper(name }}` can't be read
            {% if vip %}★ => a `{% endif %}` is missing for `{% if vip %}`
            {% endif %} => `{% endif %}` has no `{% if … %}` before it
            {% if a %}{% for b in c %}{% endif %} => a `{% endfor %}` is missing before
            {% if a %}{% else if b %}{% endif %} => write `{% elif … %}`
            {% if a %}{% elseif b %}{% endif %} => write `{% elif … %}`
            {% else %} => `{% else %}` has no `{% if … %}` before it
            {% include 'a' %} => there is no `{% include %}`; there are `if`, `for`
            {% if a b %}{% endif %} => `{% if a b %}` can't be read
            {% for a %}{% endfor %} => line 1, column 1
        "
        .trim()
        .lines()
        {
            let (source, expected) = row.trim().split_once(" => ").unwrap();
            let source = source.replace('⏎', "\n");
            let error = parse(&source, "field", syntax()).expect_err(&source);
            let problem = explain(&source, &error);
            let start = "is not a template: at line ";
            assert!(problem.starts_with(start), "{problem}");
            assert!(problem.contains(expected), "{source}\n{problem}");
        }
    }
}
