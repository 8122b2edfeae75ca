//! Columns of every name, and the sentences about those that are written wrongly.

use serde_json::json;

use super::*;

#[test]
fn a_column_wins_over_a_function_of_the_engine() {
    for name in [
        "range",
        "dict",
        "namespace",
        "debug",
        "loop",
        "self",
        "in",
        "row",
        "true_",
    ] {
        let source = format!("{{{{ {name} }}}} | {{{{ {name}|upper }}}}");
        assert_eq!(
            rendered(&source, &json!({name: "a-b"})),
            "a-b | A-B",
            "{name}"
        );
        assert_eq!(
            rendered(&source, &json!({})),
            format!("error: has no `{name}`")
        );
        let error = compile(text(&source)).check_header(&header("to\n"));
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains(&format!("no column is called `{name}`"))
        );
    }
    let both = "{{ range }} {% for i in range(2) %}{{ i }}{% endfor %}";
    assert!(problem(text(both)).contains("write the column as `{{ row['range'] }}`"));
    let both = both.replace("{{ range }}", "{{ row.range }}");
    assert_eq!(rendered(&both, &json!({"range": "1-2"})), "1-2 01");
    assert!(problem(text("{{ row }} {{ row.a }}")).contains("`{{ row['row'] }}`"));
}

#[test]
fn a_column_of_any_name_can_be_used() {
    for name in [
        "first name",
        "first-name",
        "1st",
        "姓名（暱稱）",
        "🎄",
        "",
        "a.b",
        "it's",
        "to",
    ] {
        for filter in ["", "|upper"] {
            let quote = if name.contains('\'') { '"' } else { '\'' };
            let source = format!("Hi {{{{ row[{quote}{name}{quote}]{filter} }}}}");
            let template = compile(text(&source));
            let row = json!({name: "ANN"});
            assert_eq!(
                render(&template, &row).unwrap()[0]["text"],
                "Hi ANN",
                "{source}"
            );
            assert_eq!(
                template.check_header(&header(&format!("a,{name}\n"))),
                Ok(())
            );
            assert!(template.check_header(&header("a,b\n")).is_err());
        }
    }
}

#[test]
fn a_name_that_can_not_be_written_as_it_stands_is_told_with_its_form() {
    for name in ["first name", "1st", "姓名（暱稱）", "🎄"] {
        let form = format!("`{{{{ row['{name}'] }}}}`");
        let problem = problem(text(&format!("Hi {{{{ {name} }}}}")));
        assert!(
            problem.starts_with("`messages[0].text` is not a template"),
            "{problem}"
        );
        assert!(problem.contains(&form), "{problem}");
    }
    for source in ["Hi {{ first-name }}", "Hi {{ first-name|upper }}"] {
        let template = compile(text(source));
        let form = "write the column `first-name` as `{{ row['first-name'] }}`";
        for list in ["to,first-name\n", "to,first,name,first-name\n"] {
            let error = template
                .check_header(&header(list))
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("`messages[0].text` has `first-name`"),
                "{error}"
            );
            assert!(error.contains(form), "{error}");
        }
        let row = json!({"first-name": "Ann"});
        assert!(
            render(&template, &row)
                .unwrap_err()
                .to_string()
                .contains(form)
        );
    }
}

#[test]
fn a_column_whose_name_the_template_reads_as_a_value_is_told_with_its_form() {
    for name in ["100", "7.5", "true", "True", "'a'"] {
        let template = compile(text(&format!("{{{{ {name} }}}}")));
        assert_eq!(template.check_header(&header("to,a\n")), Ok(()));
        let list = format!("to,{name}\n");
        let error = template.check_header(&header(&list)).unwrap_err();
        let expected = format!("`messages[0].text` has `{name}`");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

#[test]
fn a_column_is_found_in_either_way_to_write_its_letters() {
    let (composed, decomposed) = ("プレゼント", "フ\u{309a}レセ\u{3099}ント");
    for source in ["{{ X }}", "{{ X|upper }}", "{{ row['X'] }}"] {
        for written in [composed, decomposed] {
            let template = compile(text(&source.replace('X', written)));
            assert_eq!(
                template.check_header(&header(&format!("to,{composed}\n"))),
                Ok(())
            );
            assert_eq!(
                render(&template, &json!({composed: "花"})).unwrap()[0]["text"],
                "花"
            );
        }
    }
}

#[test]
fn a_column_that_the_list_lacks_is_named_with_its_field() {
    let template = compile(json!([
        {"type": "text", "text": "{{ name }} {{ range(3)|join }}"},
        {"type": "text", "text": "{{ code|upper }}"},
    ]));
    assert_eq!(template.check_header(&header("to,name,code\n")), Ok(()));
    let error = template.check_header(&header("to,name\n")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1: no column is called `code`, which `messages[1].text` names; \
         the line has 2 columns: is it a header at all?"
    );
}
