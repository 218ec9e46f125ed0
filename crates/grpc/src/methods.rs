//! The methods that this build knows, by path, with what is counted of each. A path that is none of them is "other":
//! callers cannot make up labels.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loopledger_proto::FILE_DESCRIPTOR_SET;
use loopledger_wire::{Shape, Shapes, code_name};
use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::OWN_DESCRIPTORS;
use loopledger_observability::metrics::{Histogram, Labels, Samples, Source};

/// Ours; their refusals have reasons.
const PACKAGES: &str = "loopledger.";

/// The bulk stream of every service.
const BULK: &str = "Record";

/// gRPC has 17 codes, from 0.
const CODES: usize = 17;

/// Reasons that are counted apart; all others together are `OTHER`. There are some 150 of them.
const REASONS_MAX: usize = 512;

/// A method, and what was counted of it.
#[derive(Debug, Default)]
pub(super) struct Method {
    service: String,
    name: String,
    /// Its caller sends more than one message.
    pub(super) reads_stream: bool,
    /// It answers with more than one message.
    pub(super) answers_stream: bool,
    /// What its requests may have, of methods of ours.
    pub(super) shape: Option<Shape>,
    /// Calls by code; a call that its caller gave up is CANCELLED.
    calls: [AtomicU64; CODES],
    /// Answers of a bulk stream, by code.
    messages: [AtomicU64; CODES],
    took: Histogram,
    reasons: Mutex<BTreeMap<String, u64>>,
}

impl Method {
    fn new(service: &str, method: &MethodDescriptorProto, shapes: &Shapes) -> Self {
        Self {
            service: service.to_owned(),
            name: method.name().to_owned(),
            reads_stream: method.client_streaming(),
            answers_stream: method.server_streaming(),
            // What stands in health's and reflection's contracts is for their authors to add to.
            shape: service.starts_with(PACKAGES).then(|| shapes.find(method.input_type())).flatten(),
            ..Self::default()
        }
    }

    pub(super) fn is_bulk(&self) -> bool {
        self.name == BULK && self.service.starts_with(PACKAGES)
    }

    /// A call has ended.
    pub(super) fn count(&self, code: Code, took: Duration) {
        add(&self.calls, code);
        // How long a stream lasts says nothing of the server.
        if !self.answers_stream {
            self.took.observe(took, 1);
        }
    }

    /// A message of a bulk stream was answered.
    pub(super) fn count_message(&self, refused: Option<&Status>) {
        add(&self.messages, refused.map_or(Code::Ok, Status::code));
        if let Some(status) = refused {
            self.count_refusal(status);
        }
    }

    /// A call or a message was refused; the reason is in the status.
    pub(super) fn count_refusal(&self, status: &Status) {
        if let Some(info) = status.get_details_error_info() {
            self.count_reason(&info.reason);
        }
    }

    fn count_reason(&self, reason: &str) {
        let mut reasons = lock(&self.reasons);
        if let Some(count) = reasons.get_mut(reason) {
            *count = count.saturating_add(1);
            return;
        }
        let reason = if reasons.len() < REASONS_MAX { reason } else { "OTHER" };
        let count = reasons.entry(reason.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    fn labels(&self) -> Labels {
        vec![("grpc_service", self.service.clone()), ("grpc_method", self.name.clone())]
    }

    fn collect(&self, samples: &mut Samples) {
        let labels = self.labels();
        let with = |name, value: &str| labels.iter().cloned().chain([(name, value.to_owned())]).collect::<Labels>();
        for (code, count) in counted(&self.calls) {
            let help = "Completed calls, by code. A call cancelled by its caller is CANCELLED.";
            samples.counter("loopledger_grpc_calls_total", help, &with("grpc_code", code), count);
        }
        for (code, count) in counted(&self.messages) {
            let help = "Answered messages of bulk streams, by code.";
            samples.counter("loopledger_grpc_bulk_messages_total", help, &with("grpc_code", code), count);
        }
        for (reason, count) in &*lock(&self.reasons) {
            let help = "Refused calls and bulk messages, by the reason in ErrorInfo.";
            samples.counter("loopledger_grpc_refusals_total", help, &with("reason", reason), *count);
        }
        let took = self.took.buckets();
        if took.count() > 0 {
            let help = "Duration of unary calls, from their headers to the end of their answer.";
            samples.histogram("loopledger_grpc_call_seconds", help, &labels, took);
        }
    }
}

/// Every method, by its path.
#[derive(Debug)]
pub(super) struct Methods {
    by_path: BTreeMap<String, Arc<Method>>,
    other: Arc<Method>,
}

impl Methods {
    /// # Panics
    /// If descriptors of this build cannot be read.
    pub(super) fn new() -> Self {
        let mut by_path = BTreeMap::new();
        for set in [FILE_DESCRIPTOR_SET].into_iter().chain(OWN_DESCRIPTORS) {
            let set = FileDescriptorSet::decode(set).expect("descriptors of this build are whole");
            let shapes = Shapes::new(&set);
            for file in &set.file {
                for service in &file.service {
                    let full_name = format!("{}.{}", file.package(), service.name());
                    for method in &service.method {
                        let path = format!("/{full_name}/{}", method.name());
                        by_path.insert(path, Arc::new(Method::new(&full_name, method, &shapes)));
                    }
                }
            }
        }
        let other = Method { service: "other".to_owned(), name: "other".to_owned(), ..Method::default() };
        Self { by_path, other: Arc::new(other) }
    }

    pub(super) fn find(&self, path: &str) -> Arc<Method> {
        Arc::clone(self.by_path.get(path).unwrap_or(&self.other))
    }
}

impl Source for Methods {
    fn collect(&self, samples: &mut Samples) {
        for method in self.by_path.values().chain([&self.other]) {
            method.collect(samples);
        }
    }
}

fn add(counts: &[AtomicU64; CODES], code: Code) {
    let index = usize::try_from(i32::from(code)).unwrap_or(usize::MAX);
    if let Some(count) = counts.get(index) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

fn counted(counts: &[AtomicU64; CODES]) -> impl Iterator<Item = (&'static str, u64)> {
    let codes = (0..).map(|code| code_name(Code::from_i32(code)));
    codes.zip(counts).map(|(code, count)| (code, count.load(Ordering::Relaxed))).filter(|(_, count)| *count > 0)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_methods_of_this_build_have_labels_of_their_own() {
        let methods = Methods::new();
        let record = methods.find("/loopledger.station.v1.StationService/Record");
        assert!(record.is_bulk() && record.reads_stream && record.answers_stream);
        let single = methods.find("/loopledger.station.v1.StationService/CollectGoods");
        assert!(!single.is_bulk() && !single.reads_stream && !single.answers_stream);
        for method in methods.by_path.values() {
            assert_eq!(method.shape.is_some(), method.service.starts_with(PACKAGES), "{method:?}");
        }
        assert!(methods.find("/grpc.health.v1.Health/Watch").answers_stream);
        for path in ["/a/b", "", "/loopledger.station.v1.StationService/Nothing"] {
            assert_eq!(methods.find(path).labels()[0].1, "other", "{path}");
        }
    }

    #[test]
    fn reasons_are_bounded_in_number() {
        let method = Method::default();
        for number in 0..10_000 {
            method.count_reason(&number.to_string());
        }
        method.count_reason("3");
        let reasons = lock(&method.reasons);
        assert_eq!((reasons["3"], reasons.len()), (2, REASONS_MAX + 1));
        assert_eq!(reasons["OTHER"], 10_000 - 512);
    }
}
