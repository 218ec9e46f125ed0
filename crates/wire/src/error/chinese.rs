//! The Chinese texts of refusals and failures.

use loopledger_domain::Rejection;
use loopledger_types::EntityKind;

use super::Failure;

pub(super) fn rejection(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Invalid(violations) => match violations.as_slice() {
            [only] => format!("{}:{}", only.field, only.fault.chinese()),
            [first, ..] => {
                format!("请求中有 {} 处错误,例如 {}:{}", violations.len(), first.field, first.fault.chinese())
            }
            [] => "请求不符合要求。".to_owned(),
        },
        Rejection::NotFound { kind, id } => format!("{}不存在:{id}。", name(*kind)),
        Rejection::Exists { kind, id } => format!("{}已存在:{id}。", name(*kind)),
        Rejection::Broken { rule, .. } => rule.chinese().to_owned(),
    }
}

pub(super) fn failure(failure: &Failure) -> String {
    match failure {
        Failure::MalformedMessage { .. } => "请求内容无法解析。".to_owned(),
        Failure::UnknownField(unknown) => {
            format!("{}:本服务不认识编号为 {} 的字段,请改正请求,或先升级服务。", unknown.path, unknown.number)
        }
        Failure::MessageTooLarge { bytes_max } => format!("单个请求不得超过 {bytes_max} 字节,请拆分后重试。"),
        Failure::MessageTooSlow { within } => format!("请求未在 {} 秒内发送完毕,请重试。", within.as_secs()),
        Failure::TooMuchAtOnce { of_connection: true, .. } => "此连接上待处理的数据过多,请稍后重试。".to_owned(),
        Failure::TooMuchAtOnce { of_connection: false, .. } => "服务器待处理的数据过多,请稍后重试。".to_owned(),
        Failure::RequestIdReused { request_id } => format!("请求编号 {request_id} 已被另一请求使用。"),
        Failure::NotFound { kind, id } => format!("{}不存在:{id}。", name(*kind)),
        Failure::ReceiptNotFound { request_id } => format!("没有请求编号为 {request_id} 的记录。"),
        Failure::QueueFull { .. } => "排队的请求过多,请稍后重试。".to_owned(),
        Failure::UpstreamBehind { stream, wanted, have, .. } => {
            format!("{stream} 目前只读到第 {have} 条,尚未到第 {wanted} 条,请稍后重试。")
        }
        Failure::OutcomeUnknown { request_id } => {
            format!("已超时,结果未知;请用同一请求编号 {request_id} 重试。")
        }
        Failure::DeadlineExceeded => "已超时,尚未处理。".to_owned(),
        Failure::PositionNotInLog { position } => {
            format!("日志中没有 {} 第 {} 条的该哈希值。", position.stream, position.sequence)
        }
        Failure::LostTail { stream, from, to } => {
            format!("{stream} 第 {from} 至 {to} 条曾经存在,现已不在日志中:请停止各服务,运行 loopledger repair。")
        }
        Failure::StreamHalted(halt) => halt.chinese(),
        Failure::CountyRequired => "此服务器承载多个县,请在请求中填写县级行政区划代码(county_code)。".to_owned(),
        Failure::CountyNotHosted { county, owner: None } => format!("此服务器不承载县 {county}。"),
        Failure::CountyNotHosted { county, owner: Some(owner) } => {
            format!("此服务器不承载县 {county},该县由 {owner} 承载。")
        }
        Failure::NotServed { stream } => format!("此处不提供 {stream}。"),
        Failure::NotReady { .. } => "正在加载,请稍后重试。".to_owned(),
        Failure::ShuttingDown => "服务正在关闭,请稍后重试。".to_owned(),
        Failure::LogUnavailable { .. } => "日志暂不可用,请稍后重试。".to_owned(),
        Failure::Internal { .. } => "内部错误。".to_owned(),
    }
}

const fn name(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Party => "主体",
        EntityKind::Member => "成员",
        EntityKind::Product => "产品",
        EntityKind::Contract => "合同",
        EntityKind::Place => "地点",
        EntityKind::Receipt => "过磅单",
        EntityKind::Lot => "批次",
        EntityKind::Shipment => "运单",
        EntityKind::Channel => "销售渠道",
        EntityKind::Order => "订单",
        EntityKind::Issue => "出库单",
        EntityKind::Payment => "收款",
        EntityKind::Settlement => "结算",
        EntityKind::Payable => "应付款",
        EntityKind::Payout => "支付",
    }
}
