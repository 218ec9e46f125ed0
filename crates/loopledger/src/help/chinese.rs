//! The Chinese help of every command and argument.

/// What a command is for, by its path.
pub(super) fn about(path: &str) -> &'static str {
    match path {
        "" => {
            "LoopLedger 闭环账本:一个县农产品流通的账本。\n\n退出码:0 完成;1 服务器或检查不同意;2 用法有误;3 无法连接服务器;141 输出已无人读取。"
        }
        "up" => "在一个进程里运行全部服务,日志在本机或 Kafka 上",
        "serve" => "在独立进程里运行一个服务,日志在 Kafka 上;可以并行运行多个副本",
        "demo" => "向运行中的服务器演示托里县九个月的业务",
        "record" => "发送文件中的指令(每行一条 ProtoJSON);可以放心重复运行",
        "income" => "一户的收入及其依据,或一个区划内各户的收入",
        "loop" => "区域流通闭环的各项指标与规划目标",
        "trace" => "一个批次从哪里来、到哪里去",
        "statement" => "一个主体某月的对账单",
        "duplicates" => "疑似同一次交售登记了两次的过磅单",
        "rebuild" => "从零重算账本,显示进度,并与现状比对",
        "bench" => "压力测试:测量运行中的服务器",
        "bench bulk" => "用一个批量流向站点服务发送收购,并等待后续记录",
        "bench unary" => "用多个连接逐条发送收购,每个连接同时只有一条",
        "bench income" => "反复随机查询一户各月的收入",
        "repair" => "服务停止后修复缺失末尾的日志:用各存储所保存的内容重新写入",
        "status" => "各数据流的位置、作废记录与账本摘要",
        "topics" => "Apache Kafka 上的主题:创建与检查",
        "topics create" => "创建缺少的主题,并检查全部主题",
        "topics check" => "按每次启动时的要求检查全部主题,指出问题与修正命令",
        _ => "",
    }
}

/// What an argument is for; `None` if there is no text.
pub(super) fn argument(path: &str, name: &str) -> Option<&'static str> {
    Some(match (path, name) {
        ("repair" | "up", "data") => "日志与存储所在的目录",
        ("serve", "data") => "存储所在的目录;不同服务可以共用,同一服务的副本不可以",
        ("up", "kafka") => "Kafka 集群的地址(host:port,以逗号分隔),代替本机日志",
        ("repair", "kafka") => "日志在 Kafka 上时集群的地址;目录中只有存储",
        (_, "kafka") => "Kafka 集群的地址:host:port,以逗号分隔",
        (_, "config") => {
            "设置文件(TOML):各参数名改用下划线,如 kafka_config = \"kafka.conf\";参数优先,其次 LOOPLEDGER_… 环境变量,再次本文件"
        }
        (_, "print_config") => "显示每项设置及其来源(隐藏机密),然后启动",
        (_, "kafka_config") => {
            "集群所需的客户端设置文件:每行 name=value,用 librdkafka 的名称(security.…、sasl.…、ssl.…)"
        }
        ("up", "listen") => "gRPC 地址;端口 0 表示任取空闲端口并显示出来",
        ("serve", "listen") => "gRPC 地址;不写则按服务的次序取默认端口;端口 0 表示任取空闲端口",
        (_, "metrics") => "/metrics、/livez 与 /readyz 的地址;端口 0 表示任取空闲端口并显示出来",
        ("up", "demo") => "同时演示托里县的业务,显示闭环,然后继续服务",
        ("up" | "demo", "households") => "演示的农户数",
        ("up" | "demo", "seed") => "演示的随机种子;同一种子得到同一年",
        ("demo", "weeks") => "从 2020 年 4 月起的周数",
        ("demo", "write") => "把指令写入该文件(供 record 使用),而不发送",
        (_, "accept_clock") => {
            "确认本机时钟正确,尽管数据流最新的记录晚于它(CLOCK_BEHIND),或全部记录都在一年多以前(CLOCK_AHEAD);在时钟越过最新记录之前,新记录沿用其时间"
        }
        ("serve", "service") => "哪个服务",
        (_, "counties") => "承载的县:六位代码(GB/T 2260),以逗号分隔;或每行一个代码的文件",
        ("serve", "partitions") => "本副本负责的分区,如 0-31,40,或 none [默认: 全部];其余分区只作热备",
        (_, "server") => "服务器地址:一个 URL 提供全部服务,或用逗号分隔的 service=URL",
        (_, "county") => "请求所指的县:六位数字,GB/T 2260;服务器承载多个县时必须指明",
        ("record", "file") => "指令文件,每行一条 ProtoJSON;不写或写 \"-\" 则读标准输入",
        ("record", "receipts") => "把每条答复保存在该文件中,下次从最后一条答复之后继续",
        ("record", "quiet") => "不显示答复,只显示进度",
        ("record", "patience") => "运行中服务器中断时最多等待的秒数;未答复的行会重新发送",
        ("income", "household") => "农户编号",
        ("income", "division") => "县、乡镇或村的代码:其中的每一户",
        ("income" | "duplicates", "from") => "起始业务日期,YYYY-MM-DD",
        ("income" | "duplicates", "to") => "截止业务日期,YYYY-MM-DD",
        (_, "as_of") => "不计该日之后登记的内容",
        (_, "edition") => "按该日生效的区划版本区分各区划,YYYY-MM-DD [默认: 时段最后一天]",
        ("loop", "division") => "货物来源的区划;不写则为全部货物",
        ("loop", "from") => "起始月份,YYYY-MM(或其中的一天)",
        ("loop", "to") => "截止月份,YYYY-MM(或其中的一天)",
        ("trace", "lot") => "批次编号,或标签上的批次码",
        ("duplicates", "station") => "站点编号;不写则为全部站点",
        ("statement", "party") => "主体编号",
        ("statement", "period") => "月份,YYYY-MM",
        (_, "format") => "table 供人阅读,json 与 csv 供程序读取",
        (_, "detail") => "同时显示编号、哈希与每行所依据的记录",
        (_, "no_pager") => "直接输出到终端,不经分页程序(PAGER,默认 less)",
        ("repair", "accept_loss") => "不再补写,而是在日志中确认缺失部分已丢失;知道这些内容的存储会被移开",
        ("topics create", "partitions") => "每个主题的分区数,终身不变",
        ("topics check", "partitions") => "每个主题应有的分区数;默认只要求各主题相同",
        (_, "replication_factor") => "每个分区的副本数;默认三个节点时为三,单节点时为一",
        ("bench bulk" | "bench unary", "commands") => "发送的指令数",
        ("bench bulk" | "bench unary", "households") => "农户数",
        ("bench bulk" | "bench unary", "run") => "使本次运行的请求编号与其他运行不同",
        ("bench unary", "connections") => "连接数",
        ("bench income", "queries") => "查询次数",
        ("bench income", "households") => "先登记的农户数,并在每个月向各户收购;0 表示使用已有的农户",
        ("bench income", "months") => "收购的月数",
        (_, "seed") => "随机种子",
        _ => return None,
    })
}
