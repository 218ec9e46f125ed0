//! Every call passes the policy before anything of it is read, and whom it admits stands in what the call records.

use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use loopledger_chain::{Envelope, leaf_hash};
use loopledger_domain::Actor;
use loopledger_event_log::{EventLog as _, Offset};
use loopledger_proto::procurement::v1::RecordRequest;
use loopledger_service::grpc::Policy;
use loopledger_types::{CountyCode, Key, Service, partition_of};
use loopledger_wire::decode_commit;
use prost::Message as _;
use serde_json::json;
use tonic::client::Grpc;
use tonic::codegen::http::HeaderMap;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};

use crate::county::County;
use crate::season::on;
use crate::wire::{self, Raw, path, pool};

const SUBJECT: &str = "x-subject";

/// Admits callers that name a subject.
#[derive(Debug, Default)]
struct Named {
    asked: Mutex<Vec<String>>,
}

impl Policy for Named {
    fn admit(&self, path: &str, head: &HeaderMap) -> Result<Option<Arc<Actor>>, Box<Status>> {
        self.asked.lock().unwrap().push(path.to_owned());
        let Some(subject) = head.get(SUBJECT) else {
            return Err(Box::new(Status::permission_denied("who are you?")));
        };
        let subject = subject.to_str().unwrap().to_owned();
        Ok(Some(Arc::new(Actor { subject, role: "officer".to_owned() })))
    }
}

async fn call(county: &County, path: &str, message: Vec<u8>, subject: Option<&str>) -> Result<Vec<Vec<u8>>, Status> {
    let mut request = Request::new(tokio_stream::once(message));
    if let Some(subject) = subject {
        request.metadata_mut().insert(SUBJECT, subject.parse().unwrap());
    }
    let mut grpc = Grpc::new(county.channel.clone());
    grpc.ready().await.unwrap();
    let answers = grpc.streaming(request, path.parse::<PathAndQuery>().unwrap(), Raw).await?.into_inner();
    answers.collect::<Vec<_>>().await.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_passes_the_policy_before_anything_is_read() {
    let policy = Arc::new(Named::default());
    let county = County::start_under(policy.clone()).await;
    let served = ["procurement", "station", "distribution", "sales"].map(|name| format!("loopledger.{name}.v1"));
    let mut paths: Vec<String> = pool()
        .services()
        .filter(|service| served.contains(&service.package_name().to_owned()))
        .flat_map(|service| {
            service.methods().map(|m| format!("/{}/{}", service.full_name(), m.name())).collect::<Vec<_>>()
        })
        .collect();
    assert!(paths.len() > 40, "{paths:?}");
    paths.extend(["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"].map(str::to_owned));
    paths.push("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo".to_owned());
    paths.push("/loopledger.nothing.v1.Nothing/Known".to_owned());
    for path in &paths {
        // No message at all: whatever reads it finds another fault.
        let status = call(&county, path, vec![0xff], None).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "who are you?"), "{path}");
    }
    assert_eq!(*policy.asked.lock().unwrap(), paths);
    call(&county, &path("station", "GetStatus"), Vec::new(), Some("officer-7")).await.unwrap();
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_actor_stands_in_what_is_recorded_by_single_calls_and_bulk_streams() {
    let county = County::start_under(Arc::new(Named::default())).await;
    let register = wire::method("procurement", "RegisterParty");
    let firm = || {
        county.complete(
            &json!({"kind": "PARTY_KIND_FIRM", "divisionCode": "654224", "label": "A", "occasion": on("2026-03-02")}),
        )
    };
    call(&county, &path("procurement", "RegisterParty"), wire::encode(&register, &firm()), Some("officer-7"))
        .await
        .unwrap();
    let record = wire::method("procurement", "Record");
    let message = wire::encode(&record, &json!({"registerParty": firm()}));
    assert!(RecordRequest::decode(message.as_slice()).unwrap().command.is_some());
    call(&county, &path("procurement", "Record"), message, Some("officer-8")).await.unwrap();

    let partition = partition_of(Key(CountyCode::TUOLI), county.gate.partition_count(Service::Procurement.topic()));
    let mut reader = county.gate.read(Service::Procurement.topic(), partition, Offset::START).unwrap();
    let records = reader.poll_now().unwrap();
    let actors = records.iter().map(|record| {
        let envelope = Envelope::decode(&record.value).unwrap();
        decode_commit(&envelope, leaf_hash(&record.value)).unwrap().actor
    });
    let officer = |subject: &str| Some(Actor { subject: subject.to_owned(), role: "officer".to_owned() });
    assert_eq!(actors.collect::<Vec<_>>(), [officer("officer-7"), officer("officer-8")]);
    county.stop().await;
}
