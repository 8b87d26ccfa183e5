use std::str::FromStr;

use crate::Queue;

/// What is wrong with arguments and their variables, so that everything is reported together; without the values, as
/// everywhere.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<String>);

impl Problems {
    /// A value that is read by `read`; empty is the same as absent.
    pub(crate) fn choice<T>(
        &mut self,
        name: &str,
        text: Option<&str>,
        right: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let value = read(text);
        if value.is_none() {
            self.0.push(format!("{name} must be {right}"));
        }
        value
    }

    /// A number that must lie in a range.
    pub(crate) fn within<T: FromStr>(
        &mut self,
        name: &str,
        text: Option<&str>,
        right: &str,
        is_right: impl Fn(&T) -> bool,
    ) -> Option<T> {
        self.choice(name, text, right, |text| number(text, &is_right))
    }

    /// Numbers of queues, such as `import=4,mail=8`, each queue at most once.
    pub(crate) fn per_queue<T: FromStr>(
        &mut self,
        name: &str,
        text: Option<&str>,
        right: &str,
        is_right: impl Fn(&T) -> bool,
    ) -> Vec<(Queue, T)> {
        let queues = Queue::ALL.map(Queue::short_name).join(", ");
        let right = format!("a list such as import=4,mail=8 with {right}, of the queues {queues}, each at most once");
        let numbers = self.choice(name, text, &right, |text| {
            let mut numbers = Vec::new();
            for item in text.split(',') {
                let (queue, value) = item.split_once('=')?;
                let queue = Queue::from_name(queue.trim())?;
                if numbers.iter().any(|(known, _)| *known == queue) {
                    return None;
                }
                numbers.push((queue, number(value, &is_right)?));
            }
            Some(numbers)
        });
        numbers.unwrap_or_default()
    }

    pub(crate) fn finish(self) -> anyhow::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(anyhow::anyhow!("the worker's settings are wrong: {}", self.0.join("; ")))
    }
}

fn number<T: FromStr>(text: &str, is_right: impl Fn(&T) -> bool) -> Option<T> {
    text.trim().parse().ok().filter(is_right)
}
