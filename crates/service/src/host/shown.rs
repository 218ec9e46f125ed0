//! What a host shows of its counties.

use core::fmt::Write as _;

use loopledger_domain::Decider;

use super::Host;
use super::counties::County;
use crate::metrics::{Readiness, Samples, Source};
use crate::writer::{WriterHandle, show};

/// Lines about single counties in what is said to people.
const LINES_MAX: usize = 10;

impl<D: Decider> Host<D> {
    fn alive(&self) -> Vec<WriterHandle<D>> {
        self.0.counties.values().filter_map(County::handle).collect()
    }
}

impl<D: Decider> Source for Host<D> {
    fn collect(&self, samples: &mut Samples) {
        let alive = self.alive();
        let labels = vec![("service", D::SERVICE.as_str().to_owned())];
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let help = "Counties whose streams the service hosts.";
        samples.gauge("loopledger_hosted_counties", help, &labels, count(self.0.counties.len()));
        let help = "Counties that are in memory: those that had something to do lately.";
        samples.gauge("loopledger_live_counties", help, &labels, count(alive.len()));
        let help = "Counties whose stream is halted.";
        samples.gauge("loopledger_halted_counties", help, &labels, count(self.0.state.halted().len()));
        show(samples, &alive, &self.0.state.ended());
    }

    fn condition(&self) -> Option<(Readiness, Vec<String>)> {
        let readiness = *self.readiness().borrow();
        let alive = self.alive();
        let mut lines = Vec::new();
        if self.0.counties.len() > 1 {
            let mut line = format!("{}: {} counties", D::SERVICE, self.0.counties.len());
            // Writing to a string cannot fail.
            let _ = write!(line, ", {} in memory, {} halted", alive.len(), self.0.state.halted().len());
            lines.push(line);
        }
        let conditions = alive.iter().filter_map(Source::condition);
        let is_single = self.0.counties.len() == 1;
        let said = conditions.filter(|(of, _)| is_single || *of != Readiness::Able).take(LINES_MAX);
        lines.extend(said.flat_map(|(_, lines)| lines));
        Some((readiness, lines))
    }
}
