//! What a scrape gathers: samples by family, because a family must stand together however many programs add to it.

use core::time::Duration;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::histogram::Buckets;

/// Names and values; both bounded in number.
pub type Labels = Vec<(&'static str, String)>;

#[derive(Debug)]
enum Value {
    Count(u64),
    Level(u64),
    /// A counter that is not whole.
    Sum(f64),
    Measure(f64),
    Durations(Buckets),
}

#[derive(Debug)]
struct Family {
    help: Cow<'static, str>,
    samples: Vec<(Labels, Value)>,
}

/// Samples by the name of their family.
#[derive(Debug, Default)]
pub struct Samples(BTreeMap<Cow<'static, str>, Family>);

impl Samples {
    /// Something that only grows, named `…_total`.
    pub fn counter(&mut self, name: &'static str, help: &'static str, labels: &Labels, value: u64) {
        self.add(name.into(), help.into(), labels, Value::Count(value));
    }

    /// Something that goes up and down.
    pub fn gauge(&mut self, name: &'static str, help: &'static str, labels: &Labels, value: u64) {
        self.add(name.into(), help.into(), labels, Value::Level(value));
    }

    /// A duration now, named `…_seconds`.
    pub fn seconds(&mut self, name: &'static str, help: &'static str, labels: &Labels, value: Duration) {
        self.add(name.into(), help.into(), labels, Value::Measure(value.as_secs_f64()));
    }

    /// A time that only grows, named `…_seconds_total`.
    pub fn count_seconds(&mut self, name: &'static str, help: &'static str, seconds: f64) {
        self.add(name.into(), help.into(), &Vec::new(), Value::Sum(seconds));
    }

    /// A number that is not whole.
    pub fn measure(&mut self, name: &'static str, help: &'static str, measure: f64) {
        self.add(name.into(), help.into(), &Vec::new(), Value::Measure(measure));
    }

    /// A share in percent, named `…_ratio`: 1 is all.
    pub fn ratio(&mut self, name: &'static str, help: &'static str, labels: &Labels, percent: u8) {
        #[expect(clippy::float_arithmetic, reason = "shown, not reckoned with")]
        let ratio = f64::from(percent.min(100)) / 100.0;
        self.add(name.into(), help.into(), labels, Value::Measure(ratio));
    }

    /// Durations of many things, named `…_seconds`.
    pub fn histogram(&mut self, name: &'static str, help: &'static str, labels: &Labels, buckets: Buckets) {
        self.add(name.into(), help.into(), labels, Value::Durations(buckets));
    }

    /// Numbers that a library named, as `loopledger_<part>_<name>`: counters if they end in `_total`, levels
    /// otherwise.
    pub fn snapshot(&mut self, part: &'static str, labels: &Labels, numbers: Vec<(&'static str, u64)>) {
        for (name, number) in numbers {
            let value = if name.ends_with("_total") { Value::Count(number) } else { Value::Level(number) };
            let help = format!("As {part} counts it: {}.", name.trim_end_matches("_total").replace('_', " "));
            self.add(format!("loopledger_{part}_{name}").into(), help.into(), labels, value);
        }
    }

    fn add(&mut self, name: Cow<'static, str>, help: Cow<'static, str>, labels: &Labels, value: Value) {
        let family = self.0.entry(name).or_insert_with(|| Family { help, samples: Vec::new() });
        family.samples.push((labels.clone(), value));
    }

    /// As `OpenMetrics` text.
    pub fn encode(self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut out = String::new();
        text::encode(&mut out, &registry)?;
        Ok(out)
    }
}

impl Collector for Samples {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, family) in &self.0 {
            let kind = match family.samples.first() {
                Some((_, Value::Count(_) | Value::Sum(_))) => MetricType::Counter,
                Some((_, Value::Level(_) | Value::Measure(_))) => MetricType::Gauge,
                Some((_, Value::Durations(_))) => MetricType::Histogram,
                None => continue,
            };
            // The encoder appends these itself.
            let name = name.strip_suffix("_total").unwrap_or(name);
            let (name, unit) = match (name.strip_suffix("_seconds"), name.strip_suffix("_bytes")) {
                (Some(name), _) => (name, Some(Unit::Seconds)),
                (None, Some(name)) => (name, Some(Unit::Bytes)),
                (None, None) => (name, None),
            };
            let mut family_encoder = encoder.encode_descriptor(name, &family.help, unit.as_ref(), kind)?;
            for (labels, value) in &family.samples {
                if labels.is_empty() {
                    write(&mut family_encoder, value)?;
                } else {
                    write(&mut family_encoder.encode_family(labels)?, value)?;
                }
            }
        }
        Ok(())
    }
}

fn write(encoder: &mut MetricEncoder<'_>, value: &Value) -> Result<(), fmt::Error> {
    match value {
        Value::Count(count) => encoder.encode_counter::<NoLabelSet, _, f64>(count, None),
        Value::Level(level) => encoder.encode_gauge(level),
        Value::Sum(sum) => encoder.encode_counter::<NoLabelSet, _, f64>(sum, None),
        Value::Measure(measure) => encoder.encode_gauge(measure),
        Value::Durations(buckets) => {
            let bound = |bound: &Option<Duration>| bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64());
            let counts: Vec<(f64, u64)> = buckets.counts.iter().map(|(upper, count)| (bound(upper), *count)).collect();
            encoder.encode_histogram::<NoLabelSet>(buckets.sum.as_secs_f64(), buckets.count(), &counts, None)
        }
    }
}
