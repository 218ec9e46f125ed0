//! The invariants of the final state, whatever faults struck.
//!
//! [`acks`]: acknowledged commands are recorded once. [`chain`]: the streams are complete and consistent with each other.
//! [`model`]: goods and money, computed independently. [`answers`]: every query agrees with the streams and the model.

pub(crate) mod acks;
pub(crate) mod answers;
pub(crate) mod chain;
pub(crate) mod model;
pub(crate) mod tail;

use loopledger_domain::Event;
use loopledger_types::Service;
use tonic::Status;

use crate::cluster::{Cluster, Host};
use crate::history::History;
use crate::watcher::Watcher;
use acks::Uttered;
use chain::Streams;
use model::Model;

pub(crate) const SERVICES: [Service; 4] =
    [Service::Procurement, Service::Station, Service::Distribution, Service::Sales];

/// Judges a county at rest; the answer is the digest of its ledger.
pub(crate) async fn judge(cluster: &mut Cluster, uttered: &[Uttered], history: &History) -> Vec<u8> {
    let streams = Streams::read(&cluster.log);
    for service in SERVICES {
        history.add("commits", u64::try_from(streams.of(service).len()).unwrap_or(0));
        history.add("void records", streams.voids[service.index()]);
        for commit in streams.of(service) {
            history.note(format!("{service} {} {} {:?}", commit.sequence, commit.hash, commit.recorded_at));
        }
    }
    let blame = |wrong: Vec<String>| wrong.iter().for_each(|wrong| history.violation(wrong));
    blame(streams.check());
    blame(acks::check(uttered, &streams));
    let mut model = Model::default();
    events(&streams).for_each(|event| model.tell(event));
    model.check_days();
    blame(core::mem::take(&mut model.wrong));
    blame(answers::check_stock::<loopledger_domain::station::Station>(&streams, &model));
    blame(answers::check_stock::<loopledger_domain::distribution::Distribution>(&streams, &model));
    blame(answers::check_owed(&streams, &model));
    let pools = cluster.pools.clone();
    blame(answers::check_service(&pools.procurement, &streams).await);
    blame(answers::check_service(&pools.station, &streams).await);
    blame(answers::check_service(&pools.distribution, &streams).await);
    blame(answers::check_service(&pools.sales, &streams).await);
    match check_projections(cluster, &streams, &model, history).await {
        Ok((digest, wrong)) => {
            blame(wrong);
            digest
        }
        Err(status) => {
            history.violation(format!("the ledger does not answer: {status}"));
            Vec::new()
        }
    }
}

/// Station and distribution first: the others speak of their lots.
fn events(streams: &Streams) -> impl Iterator<Item = &Event> {
    let order = [Service::Station, Service::Distribution, Service::Sales, Service::Procurement];
    order.into_iter().flat_map(|service| streams.of(service)).flat_map(|commit| &commit.events)
}

/// The projection that lived through it all, one that resumes from its store, and one from zero say the same, and what
/// the model says.
async fn check_projections(
    cluster: &mut Cluster,
    streams: &Streams,
    model: &Model,
    history: &History,
) -> Result<(Vec<u8>, Vec<String>), Status> {
    let down = || Status::unavailable("it is down");
    let lived = cluster.watcher().routes().ok_or_else(down)?;
    let status = answers::status(&lived, streams).await?;
    let mut wrong = answers::check_status("the projection", &status, streams);
    wrong.extend(answers::check_ledger(&lived, model).await?);
    wrong.extend(answers::rebuild(&lived).await?);
    let watcher = cluster.hosts.iter_mut().find_map(|host| host.watcher.as_mut()).ok_or_else(down)?;
    watcher.shut_down().await;
    let mut resumed = watcher.successor();
    let mut fresh = Watcher::default();
    for (name, other) in [("a projection that resumes", &mut resumed), ("a projection from zero", &mut fresh)] {
        other.start(Host::plain_feed(&cluster.log), history.clone());
        let routes = other.up().await;
        let said = answers::status(&routes, streams).await?;
        wrong.extend(answers::check_status(name, &said, streams));
        wrong.extend(answers::check_commits(&routes, streams).await?);
        if (&said.ledger_digest, &said.state_digest) != (&status.ledger_digest, &status.state_digest) {
            wrong.push(format!("{name} has other digests"));
        }
        if name.ends_with("zero") {
            wrong.extend(answers::check_voids(&routes, streams).await?);
        }
    }
    Ok((status.ledger_digest, wrong))
}
