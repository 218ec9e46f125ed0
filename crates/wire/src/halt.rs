//! Why a stream is halted, in the words that every caller, `status`, `/readyz` and the log use.

use core::fmt;

use loopledger_proto::common::v1 as pb;
use loopledger_types::StreamId;

use crate::Failure;

/// What a halt is about. Each has a stable name, and says what lifts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HaltReason {
    /// Commits that were known are not in the log any more.
    LostTail { from: u64, to: u64 },
    /// An admitted commit of a newer version, or damaged by its writer.
    NotUnderstood,
    /// The log cannot be read, and trying again does not help.
    LogDamaged,
    /// The log takes no more appends from this process.
    LogRefuses,
    /// The disk of the state store is full.
    StoreFull,
    /// The state store cannot be used.
    StoreFailed,
    /// The stream contradicts what it says it reacted to.
    Inconsistent,
    /// The clock of the writer's machine is ahead of where it should be.
    ClockAhead,
    /// The clock of the writer's machine is behind the stream's newest commit, or was put back.
    ClockBehind,
    /// A bug, found before anything wrong was written.
    Internal,
    /// The writer ended without a reason.
    Stopped,
}

impl HaltReason {
    /// Stable, `UPPER_SNAKE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LostTail { .. } => "LOST_TAIL",
            Self::NotUnderstood => "NOT_UNDERSTOOD",
            Self::LogDamaged => "LOG_DAMAGED",
            Self::LogRefuses => "LOG_REFUSES",
            Self::StoreFull => "STORE_FULL",
            Self::StoreFailed => "STORE_FAILED",
            Self::Inconsistent => "STREAM_INCONSISTENT",
            Self::ClockAhead => "CLOCK_AHEAD",
            Self::ClockBehind => "CLOCK_BEHIND",
            Self::Internal => "INTERNAL",
            Self::Stopped => "STOPPED",
        }
    }

    /// What an operator should do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::LostTail { .. } => "stop the services and run `loopledger repair`",
            Self::NotUnderstood => "run a newer version",
            Self::LogDamaged => "repair the disk or the topic of the log, then restart the service",
            Self::LogRefuses => "look at the disk or the cluster of the log, then restart the service",
            Self::StoreFull => "free space on the disk of the state store; the stream then resumes by itself",
            Self::StoreFailed => "look at the disk of the state store, then restart the service",
            Self::Inconsistent => "keep the log and the stores, and report it with the log of the service",
            Self::ClockAhead | Self::ClockBehind => {
                "set the clock of the machine; the stream then resumes by itself; if the clock is right, restart with --accept-clock"
            }
            Self::Internal => {
                "report it with the log of the service; nothing is lost, and a version without the bug resumes from here"
            }
            Self::Stopped => "restart the service",
        }
    }

    /// What happened, in Chinese.
    const fn chinese(self) -> &'static str {
        match self {
            Self::LostTail { .. } => "已知的记录不在日志中",
            Self::NotUnderstood => "当前版本无法识别其中的记录",
            Self::LogDamaged => "日志无法读取",
            Self::LogRefuses => "日志拒绝写入",
            Self::StoreFull => "状态存储所在磁盘已满",
            Self::StoreFailed => "状态存储出错",
            Self::Inconsistent => "流中的记录前后矛盾",
            Self::ClockAhead => "本机时钟超前",
            Self::ClockBehind => "本机时钟落后",
            Self::Internal => "程序内部错误,没有写入错误数据",
            Self::Stopped => "写入程序已意外结束",
        }
    }

    /// The advice in Chinese.
    pub const fn advice_chinese(self) -> &'static str {
        match self {
            Self::LostTail { .. } => "请停止各服务,运行 loopledger repair",
            Self::NotUnderstood => "请升级到新版本",
            Self::LogDamaged => "请修复日志所在磁盘或主题,然后重启该服务",
            Self::LogRefuses => "请检查日志所在磁盘或集群,然后重启该服务",
            Self::StoreFull => "请在状态存储所在磁盘上腾出空间,之后自动恢复",
            Self::StoreFailed => "请检查状态存储所在磁盘,然后重启该服务",
            Self::Inconsistent => "请保留日志和存储,并连同服务日志一起报告",
            Self::ClockAhead | Self::ClockBehind => {
                "请校准本机时钟,之后自动恢复;如时钟无误,请用 --accept-clock 重新启动"
            }
            Self::Internal => "请连同服务日志一起报告;数据没有丢失,换上修复后的版本即从此处继续",
            Self::Stopped => "请重启该服务",
        }
    }
}

/// A stream that is halted: nothing more is written to it, or folded of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaltNotice {
    /// The stream that the cause is in.
    pub stream: StreamId,
    /// The commit that it halted at; 0: none in particular.
    pub sequence: u64,
    pub reason: HaltReason,
    /// What happened, in English.
    pub detail: String,
}

impl HaltNotice {
    /// One English sentence with what to do.
    pub fn english(&self) -> String {
        let Self { stream, sequence, reason, detail } = self;
        let at = if *sequence > 0 { format!(" at commit {sequence}") } else { String::new() };
        format!("{stream} is halted{at} ({}): {detail}; {}.", reason.as_str(), reason.advice())
    }

    /// The same in Chinese.
    pub fn chinese(&self) -> String {
        let Self { stream, sequence, reason, .. } = self;
        let at = if *sequence > 0 { format!("在第 {sequence} 条") } else { String::new() };
        let (name, what, advice) = (reason.as_str(), reason.chinese(), reason.advice_chinese());
        format!("{stream} 已{at}停止({name}):{what};{advice}。")
    }

    /// What a caller is answered whose request needs the stream.
    pub fn failure(&self) -> Failure {
        match self.reason {
            HaltReason::LostTail { from, to } => Failure::LostTail { stream: self.stream, from, to },
            HaltReason::NotUnderstood
            | HaltReason::LogDamaged
            | HaltReason::LogRefuses
            | HaltReason::StoreFull
            | HaltReason::StoreFailed
            | HaltReason::Inconsistent
            | HaltReason::ClockAhead
            | HaltReason::ClockBehind
            | HaltReason::Internal
            | HaltReason::Stopped => Failure::StreamHalted(self.clone()),
        }
    }

    pub fn to_pb(&self) -> pb::Halt {
        pb::Halt {
            stream: self.stream.to_string(),
            sequence: self.sequence,
            reason: self.reason.as_str().to_owned(),
            message: self.english(),
            message_zh: self.chinese(),
        }
    }
}

impl fmt::Display for HaltNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english())
    }
}
