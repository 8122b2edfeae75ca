//! What the engine has: filters, tests and functions, and how many arguments they take.

use minijinja::machinery::ast::{CallArg, Expr};
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind};

/// Asks the engine what it has.
pub(super) struct Known<'e> {
    engine: &'e Environment<'e>,
}

/// What other engines and languages call a filter of this one.
const OTHER_NAMES: [(&str, &str); 22] = [
    ("date", "datetimeformat"),
    ("date_format", "datetimeformat"),
    ("dateformat", "datetimeformat"),
    ("datetime", "datetimeformat"),
    ("downcase", "lower"),
    ("encode", "urlencode"),
    ("escape_uri", "urlencode"),
    ("get", "default"),
    ("json", "tojson"),
    ("len", "length"),
    ("lowercase", "lower"),
    ("lstrip", "trim"),
    ("rstrip", "trim"),
    ("size", "length"),
    ("strftime", "datetimeformat"),
    ("strip", "trim"),
    ("timeformat", "datetimeformat"),
    ("to_json", "tojson"),
    ("upcase", "upper"),
    ("uppercase", "upper"),
    ("url_encode", "urlencode"),
    ("urlquote", "urlencode"),
];

/// Stands for the value of a row. It can be read as a date and as a number.
const SAMPLE: &str = "2026-12-25";

impl<'e> Known<'e> {
    pub(super) fn new(engine: &'e Environment<'e>) -> Self {
        Self { engine }
    }

    /// Whether there is this filter, with these arguments behind the value.
    pub(super) fn filter(&self, name: &str, arguments: &[CallArg<'_>]) -> Result<(), String> {
        let filter = format!("uses the filter `{name}`");
        if !self.has_filter(name) {
            let cure = self.other_filter(name);
            return Err(format!("{filter}, which does not exist{cure}"));
        }
        self.named_in(name, arguments)?;
        let given = given(Some(SAMPLE.into()), arguments);
        let found = self.engine.empty_state().apply_filter(name, &given);
        let is_wrong = matches!(&found, Err(e) if e.kind() == ErrorKind::InvalidOperation);
        // The sample is a date, so it is the form that can't be used.
        if name == "datetimeformat" && is_wrong && are_constant(arguments) {
            return Err(format!("{filter} with a form of date that does not exist"));
        }
        wrong_number(&filter, found, arguments)
    }

    /// The filters and tests that a filter of lists is given by name.
    fn named_in(&self, filter: &str, arguments: &[CallArg<'_>]) -> Result<(), String> {
        let name = |index: usize| match arguments.get(index) {
            Some(CallArg::Pos(Expr::Const(constant))) => constant.value.as_str(),
            _ => None,
        };
        let rest = |index: usize| arguments.get(index..).unwrap_or_default();
        match filter {
            "map" => name(0).map_or(Ok(()), |name| self.filter(name, rest(1))),
            "select" | "reject" => name(0).map_or(Ok(()), |name| self.test(name, rest(1))),
            "selectattr" | "rejectattr" => name(1).map_or(Ok(()), |name| self.test(name, rest(2))),
            _ => Ok(()),
        }
    }

    /// Whether there is this test, with these arguments behind the value.
    pub(super) fn test(&self, name: &str, arguments: &[CallArg<'_>]) -> Result<(), String> {
        let given = given(Some(SAMPLE.into()), arguments);
        let found = self.engine.empty_state().perform_test(name, &given);
        let test = format!("uses the test `{name}`");
        match found.as_ref().map_err(Error::kind) {
            Err(ErrorKind::UnknownTest) => Err(format!("{test}, which does not exist")),
            _ => wrong_number(&test, found, arguments),
        }
    }

    /// Whether there is this function, with these arguments.
    pub(super) fn function(&self, name: &str, arguments: &[CallArg<'_>]) -> Result<(), String> {
        let call = format!("calls the function `{name}`");
        let mut state = self.engine.empty_state();
        let Some(function) = state.lookup(name) else {
            let names: Vec<_> = self
                .engine
                .globals()
                .map(|(name, _)| format!("`{name}`"))
                .collect();
            return Err(format!(
                "{call}, which does not exist; there are {}",
                names.join(", ")
            ));
        };
        wrong_number(
            &call,
            function.call(&mut state, &given(None, arguments)),
            arguments,
        )
    }

    /// The sentence about a method: values have none.
    pub(super) fn no_method(&self, name: &str) -> String {
        let cure = match self.other_filter(name) {
            cure if !cure.is_empty() => cure,
            _ if self.has_filter(name) => format!("; write `|{name}`"),
            _ => String::new(),
        };
        format!("calls the method `{name}`, which does not exist{cure}")
    }

    fn has_filter(&self, name: &str) -> bool {
        let found = self.engine.empty_state().apply_filter(name, &[]);
        !matches!(found, Err(error) if error.kind() == ErrorKind::UnknownFilter)
    }

    fn other_filter(&self, name: &str) -> String {
        let lower = name.to_lowercase();
        let known = OTHER_NAMES.iter().find(|(other, _)| *other == lower);
        match known {
            Some((_, filter)) => format!("; write `|{filter}`"),
            None if lower != name && self.has_filter(&lower) => format!("; write `|{lower}`"),
            None => String::new(),
        }
    }
}

/// The arguments as values. What only a row can tell is a sample.
fn given(value: Option<Value>, arguments: &[CallArg<'_>]) -> Vec<Value> {
    let sample = |value: &Expr<'_>| value.as_const().unwrap_or_else(|| SAMPLE.into());
    let mut given: Vec<_> = value.into_iter().collect();
    let mut named = Vec::new();
    for argument in arguments {
        match argument {
            CallArg::Pos(value) => given.push(sample(value)),
            CallArg::Kwarg(name, value) => named.push((*name, sample(value))),
            CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {}
        }
    }
    if !named.is_empty() {
        given.push(named.into_iter().collect::<Kwargs>().into());
    }
    given
}

fn are_constant(arguments: &[CallArg<'_>]) -> bool {
    arguments.iter().all(|argument| match argument {
        CallArg::Pos(value) | CallArg::Kwarg(_, value) => value.as_const().is_some(),
        CallArg::PosSplat(_) | CallArg::KwargSplat(_) => false,
    })
}

/// An error where the engine takes more arguments or fewer, whatever they are.
fn wrong_number<T>(
    used: &str,
    found: Result<T, Error>,
    arguments: &[CallArg<'_>],
) -> Result<(), String> {
    let has_splat = arguments
        .iter()
        .any(|argument| matches!(argument, CallArg::PosSplat(_) | CallArg::KwargSplat(_)));
    match found.map_err(|error| error.kind()) {
        Err(ErrorKind::MissingArgument) if !has_splat => {
            Err(format!("{used} with too few arguments"))
        }
        Err(ErrorKind::TooManyArguments) => Err(format!(
            "{used} with too many arguments, or with one that it does not know"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::engine::engine;
    use super::*;

    #[test]
    fn a_cure_names_a_filter_that_exists() {
        let engine = engine();
        let known = Known::new(&engine);
        for (other, filter) in OTHER_NAMES {
            assert!(!known.has_filter(other), "{other}");
            assert!(known.has_filter(filter), "{filter}");
        }
    }
}
