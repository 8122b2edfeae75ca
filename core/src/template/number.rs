//! Numbers are put into a text as the list writes them, also by the engine.

use std::fmt;
use std::sync::Arc;

use minijinja::State;
use minijinja::value::{Object, Value, ValueKind};

/// The variable that holds the [`WrittenNumbers`] of a row. No template can write such a name.
pub(super) const WRITTEN_NUMBERS: &str = "numbers as written";

/// The numbers of a row that the engine writes in another way than the list: `12.50`, `1e5`.
#[derive(Debug, Default)]
pub(super) struct WrittenNumbers(Vec<(Value, String)>);

impl WrittenNumbers {
    /// Adds the value of a column that the list writes so, where it is such a number.
    pub(super) fn add(&mut self, value: &Value, written: Option<&str>) {
        if let Some(written) = written
            && value.kind() == ValueKind::Number
            && value.to_string() != written
        {
            self.0.push((value.clone(), written.to_owned()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How the list writes this number, where all columns that hold it write it so.
    fn of(&self, number: &Value) -> Option<&str> {
        let mut all = self.0.iter().filter(|(value, _)| value == number);
        let (_, written) = all.next()?;
        all.all(|(_, other)| other == written).then_some(written)
    }
}

impl Object for WrittenNumbers {
    fn render(self: &Arc<Self>, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// How the list writes this number, where it differs from what the engine writes.
///
/// A number that a template computes is written so too if it is equal to one of the row.
pub(super) fn written(state: &State<'_, '_>, number: &Value) -> Option<String> {
    let numbers = state.lookup(WRITTEN_NUMBERS)?;
    let numbers = numbers.downcast_object_ref::<WrittenNumbers>()?;
    numbers.of(number).map(str::to_owned)
}
