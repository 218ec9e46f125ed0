//! `rebuild`: the ledger folded again from zero, compared with the live one.

use loopledger_client::lang::pick;
use loopledger_client::{Client, Failure, both, say, tr};
use loopledger_proto::ledger::v1::RebuildRequest;
use loopledger_types::hex;
use tokio_stream::StreamExt;

use super::Progress;

pub(crate) async fn rebuild(client: &Client) -> Result<(), Failure> {
    let mut reports = client.ledger()?.rebuild(client.in_county(RebuildRequest::default())).await?.into_inner();
    let mut progress = Progress::new(pick("重算", "rebuild"), 0);
    while let Some(report) = reports.next().await {
        let report = report?;
        progress.set_total(report.total);
        progress.set(report.done);
        if let Some(agree) = report.digests_agree {
            progress.finish();
            say!("{} {}", pick("账本摘要", "Ledger digest"), hex::encode(&report.ledger_digest))?;
            say!("{} {}", pick("状态摘要", "State digest "), hex::encode(&report.state_digest))?;
            if !agree {
                return Err(Failure::Refused(both!(
                    "重算的账本与现有账本不一致",
                    "the rebuilt ledger differs from the live one"
                )));
            }
            let (commits, rate) = (report.done, report.commits_per_second);
            let text = tr!(
                "与现有账本一致({commits} 条提交,{rate} 条/秒)",
                "The live ledger agrees ({commits} commits, {rate} a second)"
            );
            return say!("{text}");
        }
    }
    Err(Failure::Unreachable(both!("服务器中断了重算", "the server ended the rebuild")))
}
