//! How far a long command is: a bar on a terminal, plain lines otherwise.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    total: u64,
    done: u64,
    started: Instant,
    last_line: Instant,
}

impl Progress {
    /// `total` 0: not known.
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        let bar = stderr().is_terminal();
        let bar = bar.then(|| ProgressBar::new(total).with_style(style(total)).with_message(what));
        let now = Instant::now();
        Self { bar, what, total, done: 0, started: now, last_line: now }
    }

    pub(crate) fn set_total(&mut self, total: u64) {
        if let Some(bar) = self.bar.as_ref().filter(|_| self.total != total) {
            bar.set_style(style(total));
            bar.set_length(total);
        }
        self.total = total;
    }

    pub(crate) fn set(&mut self, done: u64) {
        self.done = done;
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                self.line();
            }
            None => {}
        }
    }

    /// Says the last word, with the rate.
    pub(crate) fn finish(&self) {
        match &self.bar {
            Some(bar) => bar.finish(),
            None => self.line(),
        }
    }

    fn line(&self) {
        let millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        eprintln!("{}", plain_line(self.what, self.done, self.total, millis));
    }
}

/// With time left once the total is known.
fn style(total: u64) -> ProgressStyle {
    let template = if total == 0 {
        "{msg} {spinner} {pos} ({per_sec})"
    } else {
        "{msg} {wide_bar} {pos}/{len} {per_sec} 剩余 {eta}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn plain_line(what: &str, done: u64, total: u64, millis: u64) -> String {
    let rate = done.saturating_mul(1_000).checked_div(millis).unwrap_or(0);
    let left = total.saturating_sub(done);
    match left.checked_div(rate) {
        Some(seconds) if left > 0 => format!("{what}: {done}/{total}, {rate}/s, 剩余 {seconds} 秒"),
        _ if total > 0 => format!("{what}: {done}/{total}, {rate}/s"),
        _ => format!("{what}: {done}, {rate}/s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_says_how_far_how_fast_and_how_long() {
        assert_eq!(plain_line("重算", 0, 0, 1_000), "重算: 0, 0/s");
        assert_eq!(plain_line("重算", 500, 0, 1_000), "重算: 500, 500/s");
        assert_eq!(plain_line("重算", 500, 2_500, 1_000), "重算: 500/2500, 500/s, 剩余 4 秒");
        assert_eq!(plain_line("重算", 2_500, 2_500, 5_000), "重算: 2500/2500, 500/s");
        assert_eq!(plain_line("重算", 0, 10, 1_000), "重算: 0/10, 0/s");
    }
}
