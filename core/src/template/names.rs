//! The names that a template uses: columns of the list, and filters, tests and functions of the
//! engine. The engine itself looks them up only where a row leads it there.

use std::collections::BTreeSet;

use minijinja::Environment;
use minijinja::machinery::ast::{
    BinOpKind, Call, CallArg, Expr, Filter, ForLoop, IfCond, Stmt, Test,
};

mod known;
#[cfg(test)]
mod tests;

use known::Known;

/// The names in one template.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Names {
    /// The columns that are written as a name: `{{ name }}`.
    pub(super) plain: BTreeSet<String>,
    /// The columns that are written as a text: `{{ row['first name'] }}`.
    pub(super) in_row: BTreeSet<String>,
    /// The columns, written in one way or the other, that are joined to a text with `~`, which
    /// spells `true` as `True`.
    pub(super) joined: BTreeSet<String>,
    /// The columns that are used in any other way.
    pub(super) not_joined: BTreeSet<String>,
    /// The engine's functions that are called.
    pub(super) functions: BTreeSet<String>,
}

/// The object that has every column by its name, whatever the name is.
pub(super) const ROW: &str = "row";

impl Names {
    /// The names in `template`. An error is the end of a sentence about a name that is not known.
    pub(super) fn of(template: &Stmt<'_>, engine: &Environment<'_>) -> Result<Self, String> {
        let mut reader = Reader {
            known: Known::new(engine),
            scopes: vec![BTreeSet::new()],
            loops: 0,
            joins: false,
            names: Self::default(),
        };
        reader.statement(template)?;
        Ok(reader.names)
    }

    pub(super) fn has_columns(&self) -> bool {
        !self.plain.is_empty() || !self.in_row.is_empty()
    }
}

/// Reads a template in the order in which the engine does.
struct Reader<'e> {
    known: Known<'e>,
    /// The names that the template sets itself, surely and not only in one case.
    scopes: Vec<BTreeSet<String>>,
    /// How many loops are around.
    loops: usize,
    /// Whether the value is joined to a text with `~`.
    joins: bool,
    names: Names,
}

type Found = Result<(), String>;

impl Reader<'_> {
    fn statements(&mut self, statements: &[Stmt<'_>]) -> Found {
        statements
            .iter()
            .try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt<'_>) -> Found {
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            Stmt::EmitExpr(emit) => self.value(&emit.expr),
            Stmt::EmitRaw(_) => Ok(()),
            Stmt::ForLoop(this) => self.for_loop(this),
            Stmt::IfCond(this) => self.if_cond(this),
            Stmt::WithBlock(with) => self.in_scope(|reader| {
                for (target, value) in &with.assignments {
                    reader.value(value)?;
                    reader.set(target)?;
                }
                reader.statements(&with.body)
            }),
            Stmt::Set(set) => {
                self.value(&set.expr)?;
                self.set(&set.target)
            }
            Stmt::SetBlock(set) => {
                self.statements(&set.body)?;
                self.optional(set.filter.as_ref())?;
                self.set(&set.target)
            }
            Stmt::AutoEscape(block) => {
                self.value(&block.enabled)?;
                self.statements(&block.body)
            }
            Stmt::FilterBlock(block) => {
                self.statements(&block.body)?;
                self.value(&block.filter)
            }
            Stmt::Do(this) => self.call(&this.call),
        }
    }

    fn in_scope(&mut self, read: impl FnOnce(&mut Self) -> Found) -> Found {
        self.scopes.push(BTreeSet::new());
        let found = read(self);
        self.scopes.pop();
        found
    }

    fn for_loop(&mut self, this: &ForLoop<'_>) -> Found {
        self.value(&this.iter)?;
        self.loops += 1;
        self.in_scope(|reader| {
            reader.assign("loop");
            reader.set(&this.target)?;
            reader.optional(this.filter_expr.as_ref())?;
            reader.statements(&this.body)
        })?;
        self.loops -= 1;
        // What it sets is set only where the loop has nothing to go through.
        self.in_scope(|reader| reader.statements(&this.else_body))
    }

    /// A name is surely set behind it only where both branches set it.
    fn if_cond(&mut self, this: &IfCond<'_>) -> Found {
        self.value(&this.expr)?;
        let branch = |reader: &mut Self, body: &[Stmt<'_>]| {
            reader.scopes.push(BTreeSet::new());
            reader.statements(body)?;
            Ok::<_, String>(reader.scopes.pop().unwrap_or_default())
        };
        let one = branch(self, &this.true_body)?;
        let other = branch(self, &this.false_body)?;
        one.intersection(&other).for_each(|name| self.assign(name));
        Ok(())
    }

    fn assign(&mut self, name: &str) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned());
        }
    }

    fn set(&mut self, target: &Expr<'_>) -> Found {
        match target {
            Expr::Var(var) => self.assign(var.id),
            Expr::List(list) => return list.items.iter().try_for_each(|item| self.set(item)),
            Expr::Tuple(tuple) => return tuple.items.iter().try_for_each(|item| self.set(item)),
            other => return self.value(other),
        }
        Ok(())
    }

    fn is_set(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.contains(name))
    }

    fn column(&mut self, name: &str, is_plain: bool) {
        let columns = if is_plain {
            &mut self.names.plain
        } else {
            &mut self.names.in_row
        };
        columns.insert(name.to_owned());
        let uses = if self.joins {
            &mut self.names.joined
        } else {
            &mut self.names.not_joined
        };
        uses.insert(name.to_owned());
    }

    fn optional(&mut self, value: Option<&Expr<'_>>) -> Found {
        value.map_or(Ok(()), |value| self.value(value))
    }

    fn values(&mut self, values: &[Expr<'_>]) -> Found {
        values.iter().try_for_each(|value| self.value(value))
    }

    fn value(&mut self, value: &Expr<'_>) -> Found {
        // Only these hand a value on as it is.
        let hands_on = match value {
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) | Expr::IfExpr(_) => true,
            Expr::Filter(filter) => ["d", "default"].contains(&filter.name),
            _ => false,
        };
        let joins = self.joins && hands_on;
        let outer = std::mem::replace(&mut self.joins, joins);
        let found = self.read(value);
        self.joins = outer;
        found
    }

    fn read(&mut self, value: &Expr<'_>) -> Found {
        match value {
            Expr::Var(var) => {
                if !self.is_set(var.id) {
                    self.column(var.id, true);
                }
                Ok(())
            }
            Expr::Const(_) => Ok(()),
            Expr::Slice(slice) => {
                self.value(&slice.expr)?;
                let bounds = [&slice.start, &slice.stop, &slice.step];
                bounds
                    .into_iter()
                    .flatten()
                    .try_for_each(|bound| self.value(bound))
            }
            Expr::UnaryOp(unary) => self.value(&unary.expr),
            Expr::BinOp(binary) => {
                self.joins = matches!(binary.op, BinOpKind::Concat);
                self.value(&binary.left)?;
                self.value(&binary.right)
            }
            Expr::Compare(compare) => {
                self.value(&compare.expr)?;
                compare.ops.iter().try_for_each(|op| self.value(&op.expr))
            }
            Expr::IfExpr(this) => {
                let joins = std::mem::take(&mut self.joins);
                self.value(&this.test_expr)?;
                self.joins = joins;
                self.value(&this.true_expr)?;
                self.optional(this.false_expr.as_ref())
            }
            Expr::Filter(filter) => self.filter(filter),
            Expr::Test(test) => self.test(test),
            Expr::GetAttr(get) => self.item(&get.expr, Some(get.name), None),
            Expr::GetItem(get) => {
                let name = match &get.subscript_expr {
                    Expr::Const(constant) => constant.value.as_str(),
                    _ => None,
                };
                self.item(&get.expr, name, Some(&get.subscript_expr))
            }
            Expr::Call(call) => self.call(call),
            Expr::List(list) => self.values(&list.items),
            Expr::Tuple(tuple) => self.values(&tuple.items),
            Expr::Map(map) => {
                self.values(&map.keys)?;
                self.values(&map.values)
            }
        }
    }

    /// `of.name`, `of['name']` or `of[subscript]`.
    fn item(&mut self, of: &Expr<'_>, name: Option<&str>, subscript: Option<&Expr<'_>>) -> Found {
        if matches!(of, Expr::Var(var) if var.id == ROW) && !self.is_set(ROW) {
            let name = name.ok_or(
                "has `row[…]` without a column's name in quotes: write `row['first name']`",
            )?;
            self.column(name, false);
            return Ok(());
        }
        self.joins = false;
        self.value(of)?;
        self.optional(subscript)
    }

    fn filter(&mut self, filter: &Filter<'_>) -> Found {
        self.optional(filter.expr.as_ref())?;
        self.arguments(&filter.args)?;
        self.known.filter(filter.name, &filter.args)
    }

    fn test(&mut self, test: &Test<'_>) -> Found {
        self.value(&test.expr)?;
        self.arguments(&test.args)?;
        self.known.test(test.name, &test.args)
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) -> Found {
        let outer = std::mem::take(&mut self.joins);
        for argument in arguments {
            let (CallArg::Pos(value)
            | CallArg::Kwarg(_, value)
            | CallArg::PosSplat(value)
            | CallArg::KwargSplat(value)) = argument;
            self.value(value)?;
        }
        self.joins = outer;
        Ok(())
    }

    fn call(&mut self, call: &Call<'_>) -> Found {
        self.arguments(&call.args)?;
        match &call.expr {
            Expr::Var(var) if var.id == "loop" && self.loops > 0 => Ok(()),
            Expr::Var(var) if self.is_set(var.id) => Err(format!(
                "calls `{0}(…)`, but `{0}` is set in the template and is no function",
                var.id
            )),
            Expr::Var(var) => {
                self.known.function(var.id, &call.args)?;
                self.names.functions.insert(var.id.to_owned());
                Ok(())
            }
            Expr::GetAttr(method) => {
                let is_loop = matches!(&method.expr, Expr::Var(var) if var.id == "loop");
                if is_loop && self.loops > 0 && ["cycle", "changed"].contains(&method.name) {
                    return Ok(());
                }
                Err(self.known.no_method(method.name))
            }
            _ => Err("calls a value with `(…)`, which is no function".into()),
        }
    }
}
