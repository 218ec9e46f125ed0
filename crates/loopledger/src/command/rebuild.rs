//! `rebuild`: the ledger folded again from zero, compared with the live one.

use loopledger_proto::ledger::v1::RebuildRequest;
use tokio_stream::StreamExt;

use super::Progress;
use super::status::hex;
use crate::client::Client;
use crate::exit::Failure;
use crate::output::say;

pub(crate) async fn rebuild(client: &Client) -> Result<(), Failure> {
    let mut reports = client.ledger()?.rebuild(RebuildRequest {}).await?.into_inner();
    let mut progress = Progress::new("重算", 0);
    while let Some(report) = reports.next().await {
        let report = report?;
        progress.set_total(report.total);
        progress.set(report.done);
        if let Some(agree) = report.digests_agree {
            progress.finish();
            say!("账本摘要 {}", hex(&report.ledger_digest))?;
            say!("状态摘要 {}", hex(&report.state_digest))?;
            return if agree {
                say!("与现有账本一致({} 条提交,{} 条/秒)", report.done, report.commits_per_second)?;
                Ok(())
            } else {
                Err(Failure::Refused("the rebuilt ledger differs from the live one".to_owned()))
            };
        }
    }
    Err(Failure::Unreachable("the server ended the rebuild".to_owned()))
}
