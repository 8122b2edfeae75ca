//! The names in templates, as whole tables.

use minijinja::machinery::parse;

use super::*;
use crate::template::engine::{engine, syntax};

fn names(source: &str) -> Result<Names, String> {
    let template = parse(source, "field", syntax()).unwrap();
    Names::of(&template, &engine())
}

#[test]
fn every_column_is_found_and_nothing_else() {
    for row in r#"
        {{ a }} {{ b|upper }} {{ c.d }} {{ e[f] }} => a b c e f =>
        {{ a[1:b] }} {{ a[:2] }} => a b =>
        {{ row['first name'] }} {{ row.b }} {{ row["c"]|upper }} =>  => b c first name
        {{ row }} {{ row|upper }} {{ rows['a'] }} => row rows =>
        {% for row in rows %}{{ row.a }}{{ loop.index }}{{ b }}{% endfor %} => b rows =>
        {% set a = a|upper %}{{ a }} => a =>
        {% set a = 1 %}{{ a }}{{ b }} => b =>
        {% if v %}{% set t = 1 %}{% else %}{% set t = 2 %}{% endif %}{{ t }} => v =>
        {% if v %}{% set t = 1 %}{% endif %}{{ t }} => t v =>
        {% if a %}{% elif b %}{{ c }}{% else %}{{ d }}{% endif %} => a b c d =>
        {% for a in b if a != c %}{% else %}{{ a }}{% endfor %} => a b c =>
        {% for a, (b, c) in d %}{{ a }}{{ b }}{{ c }}{% endfor %}{{ b }} => b d =>
        {% with a = b, c = a %}{{ a }}{{ c }}{% endwith %}{{ c }} => b c =>
        {% set a %}{{ b }}{% endset %}{{ a }} => b =>
        {% filter replace(a, b) %}{{ c }}{% endfilter %} => a b c =>
        {% set x | replace(a, '') %}y{% endset %}{{ x }} => a =>
        {{ range }} {{ loop }} {{ self }} {{ in }} {{ dict|upper }} => dict in loop range self =>
        {{ range(a) }} {{ 'b' }} {{ [c, {d: e}] }} {{ -f }} {{ 1 < g < h }} => a c d e f g h =>
        {{ a if b else c }} {{ d is divisibleby e }} {{ f ~ g }} => a b c d e f g =>
        {% raw %}{{ a }}{% endraw %}{# {{ b }} #} =>  =>
        {% set ns = namespace(n=0) %}{% set ns.n = a %}{{ ns.n }} => a =>
    "#
    .trim()
    .lines()
    {
        let mut cells = row.split("=>").map(str::trim);
        let mut cell = || cells.next().unwrap_or_default();
        let (source, plain, in_row) = (cell(), cell(), cell());
        let names = names(source).unwrap();
        let joined = |names: BTreeSet<String>| Vec::from_iter(names).join(" ");
        assert_eq!(joined(names.plain), plain, "{source}");
        assert_eq!(joined(names.in_row), in_row, "{source}");
    }
}

#[test]
fn a_column_that_is_joined_to_a_text_is_known() {
    for (source, joined) in [
        ("{{ a ~ '!' }} {{ b }}", "a"),
        ("{{ 'x' ~ (row['b c'] ~ d)|upper }}", "b c,d"),
        ("{{ 'b' if a == c else d }}", ""),
        ("{{ 'x' ~ ('b' if a == c else d) }}", "d"),
        ("{{ a|default('x') ~ b|join(', ') ~ c.d }}", "a"),
        ("{{ a + (b ~ c) }} {{ 1 ~ -d }}", "b,c"),
    ] {
        let names: Vec<_> = names(source).unwrap().joined.into_iter().collect();
        assert_eq!(names.join(","), joined, "{source}");
    }
}

#[test]
fn every_name_that_the_engine_lacks_is_told_wherever_it_stands() {
    for row in r"
        {% if a %}{{ b|dateformat }}{% endif %} => uses the filter `dateformat`
        {{ 'x' if a else b|nope }} => uses the filter `nope`
        {{ a is divisible(3) }} => uses the test `divisible`
        {% if a is blank %}{% endif %} => uses the test `blank`
        {{ now() }} => calls the function `now`
        {{ a.upper() }} => calls the method `upper`, which does not exist; write `|upper`
        {{ a.strip() }} => calls the method `strip`, which does not exist; write `|trim`
        {{ (a ~ b).x.y() }} => calls the method `y`
        {{ a['b']() }} => calls a value
        {% set f = 1 %}{{ f(2) }} => calls `f(…)`
        {% filter nope %}x{% endfilter %} => uses the filter `nope`
        {% set x | nope %}x{% endset %} => uses the filter `nope`
        {{ a|map('nope')|join }} => uses the filter `nope`
        {{ a|select('nope')|join }} => uses the test `nope`
        {{ a|rejectattr('b', 'nope')|join }} => uses the test `nope`
        {% for x in a|nope %}{% endfor %} => uses the filter `nope`
        {{ a[b|nope] }} => uses the filter `nope`
        {{ a[b|nope:] }} => uses the filter `nope`
        {{ loop.cycle('a') }} => calls the method `cycle`
        {{ a|upper(b|nope) }} => uses the filter `nope`
        {{ a|replace('b') }} => uses the filter `replace` with too few arguments
        {{ a|upper('b') }} => uses the filter `upper` with too many arguments
        {{ a is divisibleby }} => uses the test `divisibleby` with too few arguments
        {{ range() }} => calls the function `range` with too few arguments
        {{ a|datetimeformat('%Q') }} => uses the filter `datetimeformat`
        {{ a|datetimeformat(zone='x') }} => uses the filter `datetimeformat`
        {{ debug() }} => calls the function `debug`
        {{ row[a] }} => has `row[…]` without a column's name
    "
    .trim()
    .lines()
    {
        let (source, expected) = row.trim().split_once(" => ").unwrap();
        let problem = names(source).expect_err(source);
        assert!(problem.starts_with(expected), "{source}\n{problem}");
    }
}

#[test]
fn every_name_that_the_engine_has_is_taken() {
    for source in [
        "{{ a|default('x')|upper|replace('a', 'b') }}",
        "{{ a|map(attribute='b')|join(', ') }}",
        "{{ a|map('upper')|select('startingwith', 'a')|list|length }}",
        "{{ a|selectattr('b')|selectattr('c', 'eq', 1)|join }}",
        "{% for x in a recursive %}{{ loop.cycle('a') }}{{ loop(x) }}{% endfor %}",
        "{{ a|round(2) }} {{ a|int(base=16) }} {{ a|sort(reverse=true)|join }}",
        "{{ a is startingwith 'b' }} {{ a is not none }} {{ a is in [1] }}",
        "{{ a|datetimeformat }} {{ a|datetimeformat(b, tz=c) }} {{ a|tojson }}",
        "{{ dict(a=1)|tojson }} {% for i in range(1, 3) %}{{ i }}{% endfor %}",
        "{{ a|urlencode }} {{ a|upper(*b) }}",
    ] {
        assert!(names(source).is_ok(), "{source}: {:?}", names(source));
    }
}
