//! The Chinese texts of refusals and failures.

use loopledger_domain::{Rejection, Violation};
use loopledger_types::EntityKind;

use super::Failure;

pub(super) fn rejection(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Invalid(violations) => match violations.as_slice() {
            [only] => format!("{}:{}", only.field, field(only)),
            [first, ..] => format!("请求中有 {} 处错误,例如 {}:{}", violations.len(), first.field, field(first)),
            [] => "请求不符合要求。".to_owned(),
        },
        Rejection::NotFound { kind, id } => format!("{}不存在:{id}。", name(*kind)),
        Rejection::Exists { kind, id } => format!("{}已存在:{id}。", name(*kind)),
        Rejection::Broken { rule, .. } => rule.chinese().to_owned(),
    }
}

/// By reason; the domain may give reasons of its own, which get the general sentence.
pub(super) fn field(violation: &Violation) -> &'static str {
    match violation.reason {
        "REQUIRED" => "必填。",
        "NOT_A_UUID" => "不是有效的 UUID。",
        "UUID_VERSION" => "请求编号须为第 4、7 或 8 版 UUID。",
        "UNKNOWN_VALUE" => "取值无法识别。",
        "NOT_POSITIVE" => "必须大于零。",
        "NEGATIVE" => "不得小于零。",
        "OUT_OF_RANGE" => "超出允许范围。",
        "TOO_LONG" => "文字过长。",
        "TOO_MANY" => "条目过多,请拆分后重试。",
        "CONTROL_CHARACTER" => "不得包含控制字符。",
        "LINE_SEPARATOR" => "不得包含换行或分段符。",
        "FORMAT_CHARACTER" => "不得包含不可见的格式字符(如零宽字符、书写方向控制符)。",
        "BLANK_CHARACTER" => "不得包含看不见的占位字符。",
        "UNASSIGNED_CHARACTER" => "含有无法识别的字符。",
        "NOTHING_VISIBLE" => "没有任何可见的文字。",
        "MALFORMED_DATE" => "日期无效,应为 YYYY-MM-DD。",
        "MALFORMED_MONTH" => "月份无效,应为 YYYY-MM。",
        "MALFORMED_DIVISION" => "行政区划代码格式不正确,应为 6、9 或 12 位数字。",
        "UNKNOWN_DIVISION" => "没有该行政区划代码,或该代码当日不适用。",
        "DIVISION_NOT_IN_EDITION" => "所选版本的区划目录中没有该区划。",
        "AMBIGUOUS_LABEL" => "多个批次使用该批次码,请改用批次编号。",
        "NOT_APPLICABLE" => "该条件不适用于此项查询。",
        "OTHER_COUNTY" => "该行政区划不在本县。",
        "BEFORE_FROM" => "截止时间不得早于起始时间。",
        "MALFORMED_STREAM" => "流名称不正确。",
        "STREAM_NOT_READ" => "本服务不读取该流。",
        "MALFORMED_PAGE_TOKEN" => "分页标记无效。",
        "HASH_LENGTH" => "哈希值须为 32 字节。",
        "DUPLICATE" => "重复。",
        "OTHER_NUMBER" => "该编号的单据中没有此单据。",
        "HOUSEHOLD_NEEDS_ONE_HEAD" => "每户必须有且只有一名户主。",
        "WRONG_UNIT" => "计量单位与产品不符。",
        "DATE_IN_FUTURE" => "业务日期不得晚于今天。",
        "OUTSIDE_COUNTY" => "该地点须位于本县。",
        "NOT_A_VILLAGE_OF_THE_COUNTY" => "须为本县的村级区划。",
        "NOT_THE_REGISTERED_DIVISION" => "与登记的区划不符。",
        "OTHER_ACCOUNT" => "该应付款不属于此付款方与收款方。",
        "AMOUNT_TOO_LARGE" => "金额(或单价乘以数量)超出上限。",
        _ => "该字段不符合要求。",
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
