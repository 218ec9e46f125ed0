//! Which of the two text formats a scraper gets, and the older one.
//!
//! `OpenMetrics` for those who ask for it, as Prometheus does; the classic text for everybody else, since every tool reads
//! it. It is made from the other, of which it is the older form: counters are named as their samples are, and there are
//! neither units nor an end.

use core::cmp::Ordering;
use core::fmt::Write as _;

/// A text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    OpenMetrics,
    Classic,
}

impl Format {
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// The format that an `Accept` header prefers; `None`: it takes neither.
    pub(super) fn accepted(accept: &str) -> Option<Self> {
        if accept.trim().is_empty() {
            return Some(Self::Classic);
        }
        let ranges: Vec<Range<'_>> = accept.split(',').filter_map(Range::parse).collect();
        let (open, classic) = (Self::OpenMetrics.weight(&ranges), Self::Classic.weight(&ranges));
        // By name only: who takes anything is served the classic text.
        let is_named = ranges.iter().any(|range| range.media == "application/openmetrics-text");
        match (open.filter(|_| is_named), classic) {
            (Some(open), Some(classic)) if open.total_cmp(&classic) == Ordering::Less => Some(Self::Classic),
            (Some(_), _) => Some(Self::OpenMetrics),
            (None, Some(_)) => Some(Self::Classic),
            (None, None) => None,
        }
    }

    /// How much it is wanted, if at all: what names it most closely says so.
    fn weight(self, ranges: &[Range<'_>]) -> Option<f64> {
        let matches = |range: &&Range<'_>| range.matches(self);
        let closest = ranges.iter().filter(matches).map(Range::closeness).max()?;
        let weights =
            ranges.iter().filter(matches).filter(|range| range.closeness() == closest).map(|range| range.weight);
        weights.max_by(f64::total_cmp).filter(|weight| *weight > 0.0)
    }
}

/// One of the alternatives of an `Accept` header.
#[derive(Debug)]
struct Range<'a> {
    media: &'a str,
    version: Option<&'a str>,
    weight: f64,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let mut range = Self { media: parts.next().filter(|media| media.contains('/'))?, version: None, weight: 1.0 };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => range.weight = value.trim().parse().ok().filter(|q| (0.0..=1.0).contains(q))?,
                "version" => range.version = Some(value.trim().trim_matches('"')),
                _ => {}
            }
        }
        Some(range)
    }

    fn matches(&self, format: Format) -> bool {
        let (kind, media, versions) = match format {
            // The versions differ in nothing that is shown here.
            Format::OpenMetrics => ("application/*", "application/openmetrics-text", &["1.0.0", "0.0.1"][..]),
            Format::Classic => ("text/*", "text/plain", &["0.0.4"][..]),
        };
        let is_version = self.version.is_none_or(|version| versions.contains(&version));
        self.media == "*/*" || self.media == kind || self.media == media && is_version
    }

    fn closeness(&self) -> u8 {
        let named = if self.media.ends_with("/*") { 0 } else { 2 };
        let typed = u8::from(self.media != "*/*");
        let parts: [u8; 3] = [named, typed, self.version.is_some().into()];
        parts.into_iter().fold(0, u8::saturating_add)
    }
}

/// `OpenMetrics` text as the classic text.
pub(super) fn classic(open: &str) -> String {
    let mut text = String::with_capacity(open.len());
    let mut help = None;
    for line in open.lines() {
        let metadata = line.strip_prefix("# ").map(|rest| rest.splitn(3, ' ').collect::<Vec<_>>());
        match metadata.as_deref() {
            Some(["HELP", name, what]) => help = Some((*name, *what)),
            Some(["TYPE", name, kind]) => {
                let total = if *kind == "counter" { "_total" } else { "" };
                // The kind comes after the help, and says how both name the family.
                if let Some((_, what)) = help.take_if(|(of, _)| of == name) {
                    let _ = writeln!(text, "# HELP {name}{total} {what}");
                }
                let _ = writeln!(text, "# TYPE {name}{total} {kind}");
            }
            // Units, and the end.
            Some(_) => {}
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_gets_the_format_that_it_prefers() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                          text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let newer = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,\
                     application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5";
        for (accept, wanted) in [
            ("", Some(Format::Classic)),
            ("*/*", Some(Format::Classic)),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(Format::Classic)),
            ("text/plain", Some(Format::Classic)),
            ("text/plain; version=0.0.4", Some(Format::Classic)),
            ("application/openmetrics-text", Some(Format::OpenMetrics)),
            (prometheus, Some(Format::OpenMetrics)),
            (newer, Some(Format::OpenMetrics)),
            ("application/openmetrics-text;q=0.1, text/plain", Some(Format::Classic)),
            ("application/openmetrics-text;q=0, */*", Some(Format::Classic)),
            ("application/openmetrics-text;version=2.0.0", None),
            ("application/json", None),
            ("text/plain;q=0", None),
            ("nonsense", None),
        ] {
            assert_eq!(Format::accepted(accept), wanted, "{accept}");
        }
    }

    #[test]
    fn the_classic_text_names_counters_as_their_samples_and_has_no_units_and_no_end() {
        let open = "# HELP a Of # TYPE a counter.\n# TYPE a counter\na_total{b=\"# HELP\"} 3\n\
                    # HELP lag_seconds Age.\n# TYPE lag_seconds gauge\n# UNIT lag_seconds seconds\nlag_seconds 0.5\n# EOF\n";
        let expected = "# HELP a_total Of # TYPE a counter.\n# TYPE a_total counter\na_total{b=\"# HELP\"} 3\n\
                        # HELP lag_seconds Age.\n# TYPE lag_seconds gauge\nlag_seconds 0.5\n";
        assert_eq!(classic(open), expected);
    }
}
