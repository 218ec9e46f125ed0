//! Progress of a long command: a bar on a terminal, plain lines otherwise.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use loopledger_client::record::Tally;
use loopledger_client::{note, tr};

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(2);
/// Between two changes of the words beside a bar.
const MESSAGE_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    total: u64,
    done: u64,
    /// What the lines that were answered came to.
    tally: Option<Tally>,
    started: Instant,
    last_line: Instant,
}

impl Progress {
    /// `total` 0: not known.
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        let bar = stderr().is_terminal();
        let bar = bar.then(|| ProgressBar::new(total).with_style(style(total)).with_message(what));
        let now = Instant::now();
        Self { bar, what, total, done: 0, tally: None, started: now, last_line: now }
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
            Some(bar) => {
                bar.set_position(done);
                if let Some(tally) = self.tally.as_ref().filter(|_| self.last_line.elapsed() >= MESSAGE_EVERY) {
                    self.last_line = Instant::now();
                    bar.set_message(format!("{} ({})", self.what, in_words(tally)));
                }
            }
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                self.line();
            }
            None => {}
        }
    }

    /// Lines that were answered in this run, and how many of them were new.
    pub(crate) fn answered(&mut self, tally: &Tally) {
        self.tally = Some(*tally);
        self.set(tally.answered());
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
        note!(
            "{}",
            plain_line(
                self.what,
                self.done,
                self.total,
                millis,
                &self.tally.as_ref().map_or_else(String::new, in_words)
            )
        );
    }
}

fn in_words(tally: &Tally) -> String {
    let Tally { new, found, refused, barriers } = tally;
    tr!(
        "新记录 {new},已有 {found},拒绝 {refused},同步点 {barriers}",
        "{new} new, {found} found, {refused} refused, {barriers} barriers"
    )
}

/// With time left once the total is known.
fn style(total: u64) -> ProgressStyle {
    let template = if total == 0 {
        "{msg} {spinner} {pos} ({per_sec})".to_owned()
    } else {
        tr!(
            "{{msg}} {{wide_bar}} {{pos}}/{{len}} {{per_sec}} 剩余 {{eta}}",
            "{{msg}} {{wide_bar}} {{pos}}/{{len}} {{per_sec}} {{eta}} left"
        )
    };
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The rate is that of what was done since the start.
fn plain_line(what: &str, done: u64, total: u64, millis: u64, words: &str) -> String {
    let rate = done.saturating_mul(1_000).checked_div(millis).unwrap_or(0);
    let left = total.saturating_sub(done);
    let mut line =
        if total > 0 { format!("{what}: {done}/{total}, {rate}/s") } else { format!("{what}: {done}, {rate}/s") };
    if let Some(seconds) = left.checked_div(rate).filter(|_| left > 0) {
        line.push_str(&tr!(", 剩余 {seconds} 秒", ", {seconds} s left"));
    }
    if !words.is_empty() {
        line.push_str(": ");
        line.push_str(words);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_says_how_far_how_fast_and_how_long() {
        assert_eq!(plain_line("x", 0, 0, 1_000, ""), "x: 0, 0/s");
        assert_eq!(plain_line("x", 500, 0, 1_000, ""), "x: 500, 500/s");
        assert!(plain_line("x", 500, 2_500, 1_000, "").starts_with("x: 500/2500, 500/s, "));
        assert_eq!(plain_line("x", 2_500, 2_500, 5_000, ""), "x: 2500/2500, 500/s");
        assert_eq!(plain_line("x", 0, 10, 1_000, ""), "x: 0/10, 0/s");
    }

    #[test]
    fn what_was_found_is_not_counted_as_new() {
        let tally = Tally { new: 0, found: 22_205, refused: 1, barriers: 7 };
        let line = plain_line("x", tally.answered(), 0, 1_000, &in_words(&tally));
        assert!(line.starts_with("x: 22213, 22213/s: "), "{line}");
        assert!(line.contains("22205") && !line.contains("22213 new"), "{line}");
    }
}
