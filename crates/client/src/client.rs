//! Where the services are: one URL that serves everything, or `service=URL` pairs separated by commas.

use core::mem;
use core::time::Duration;

use loopledger_proto::common::v1::WriterStatus;
use loopledger_proto::distribution::v1::distribution_service_client::DistributionServiceClient;
use loopledger_proto::ledger::v1::income_service_client::IncomeServiceClient;
use loopledger_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use loopledger_proto::ledger::v1::loop_service_client::LoopServiceClient;
use loopledger_proto::ledger::v1::trace_service_client::TraceServiceClient;
use loopledger_proto::procurement::v1::procurement_service_client::ProcurementServiceClient;
use loopledger_proto::sales::v1::sales_service_client::SalesServiceClient;
use loopledger_proto::station::v1::station_service_client::StationServiceClient;
use loopledger_types::{CountyCode, Service, StreamId, WithCauses};
use loopledger_wire::OfCounty;
use tokio::time::{Instant, sleep};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::both;
use crate::exit::Failure;
use crate::note;
use crate::program::Program;

/// How long to wait for a connection; a server on this machine or in this cluster answers in milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a server that is being started may take until it listens: it finds its cluster and opens its store first.
const START_MAX: Duration = Duration::from_secs(10);
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// Largest answer taken: a page of a statement, with room.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Open connections, one per program (the same one if one URL serves all), and the county that requests are about.
#[derive(Debug, Clone)]
pub struct Client {
    channels: Vec<(Program, Channel)>,
    county: Option<CountyCode>,
}

impl Client {
    /// Connects to everything that `server` names.
    pub async fn connect(server: &str) -> Result<Self, Failure> {
        let mut channels = Vec::new();
        if server.contains('=') {
            for pair in server.split(',') {
                let (name, url) = pair.split_once('=').ok_or_else(|| {
                    Failure::Usage(both!("--server:'{pair}' 不是 service=URL", "--server: '{pair}' is not service=URL"))
                })?;
                let program = Program::named(name.trim()).ok_or_else(|| {
                    Failure::Usage(both!("--server:没有名为 '{name}' 的服务", "--server: there is no service '{name}'"))
                })?;
                channels.push((program, connect(url.trim()).await?));
            }
        } else {
            let channel = connect(server).await?;
            channels.extend(Program::ALL.map(|program| (program, channel.clone())));
        }
        Ok(Self { channels, county: None })
    }

    /// The same for the requests of one county; `None`: the server hosts only one.
    #[must_use]
    pub fn of_county(self, county: Option<CountyCode>) -> Self {
        Self { county, ..self }
    }

    /// The county that its requests are about, unless the server hosts only one.
    pub const fn county(&self) -> Option<CountyCode> {
        self.county
    }

    /// The request as it is sent: of the client's county, unless it names one itself.
    pub fn in_county<R: OfCounty>(&self, request: R) -> R {
        named(request, self.county)
    }

    /// The same for a server that was started just now: one that does not answer yet is waited for.
    pub async fn connect_soon(server: &str) -> Result<Self, Failure> {
        let (began, mut is_told) = (Instant::now(), false);
        loop {
            match Self::connect(server).await {
                Err(Failure::Unreachable(why)) if began.elapsed() < START_MAX => {
                    if !mem::replace(&mut is_told, true) {
                        let seconds = START_MAX.as_secs();
                        let text = both!("等待服务器启动,最多 {seconds} 秒", "waiting for it, {seconds} s at most");
                        note!("loopledger: {why}; {text}");
                    }
                    sleep(RETRY_PAUSE).await;
                }
                connected => return connected,
            }
        }
    }

    fn channel(&self, program: Program) -> Result<Channel, Failure> {
        let found = self.channels.iter().find(|(known, _)| *known == program).map(|(_, channel)| channel.clone());
        found.ok_or_else(|| {
            Failure::Usage(both!("--server 中没有 {program} 的地址", "--server names no address of {program}"))
        })
    }

    /// A caller of `procurement.v1`.
    pub fn procurement(&self) -> Result<ProcurementServiceClient<Channel>, Failure> {
        Ok(ProcurementServiceClient::new(self.channel(Program::Procurement)?)
            .max_decoding_message_size(MESSAGE_BYTES_MAX))
    }

    /// A caller of `station.v1`.
    pub fn station(&self) -> Result<StationServiceClient<Channel>, Failure> {
        Ok(StationServiceClient::new(self.channel(Program::Station)?).max_decoding_message_size(MESSAGE_BYTES_MAX))
    }

    /// A caller of `distribution.v1`.
    pub fn distribution(&self) -> Result<DistributionServiceClient<Channel>, Failure> {
        Ok(DistributionServiceClient::new(self.channel(Program::Distribution)?)
            .max_decoding_message_size(MESSAGE_BYTES_MAX))
    }

    /// A caller of `sales.v1`.
    pub fn sales(&self) -> Result<SalesServiceClient<Channel>, Failure> {
        Ok(SalesServiceClient::new(self.channel(Program::Sales)?).max_decoding_message_size(MESSAGE_BYTES_MAX))
    }

    /// What the writer of a stream says of itself; `None` if its address is not given, or nothing writes it.
    pub async fn writer_status(&self, stream: StreamId, patience: Duration) -> Option<Result<WriterStatus, Status>> {
        macro_rules! ask {
            ($service:ident) => {{
                let request = loopledger_proto::$service::v1::GetStatusRequest::default();
                let mut request = Request::new(named(request, Some(stream.county)));
                request.set_timeout(patience);
                let answer = self.$service().ok()?.get_status(request).await;
                answer
                    .and_then(|answer| answer.into_inner().status.ok_or(Status::internal("an answer without a status")))
            }};
        }
        Some(match stream.service {
            Service::Procurement => ask!(procurement),
            Service::Station => ask!(station),
            Service::Distribution => ask!(distribution),
            Service::Sales => ask!(sales),
            Service::Ledger => return None,
        })
    }

    /// A caller of the ledger: its state, and what it waits for.
    pub fn ledger(&self) -> Result<LedgerServiceClient<Channel>, Failure> {
        Ok(LedgerServiceClient::new(self.channel(Program::Projection)?).max_decoding_message_size(MESSAGE_BYTES_MAX))
    }

    /// A caller of the queries of income.
    pub fn income(&self) -> Result<IncomeServiceClient<Channel>, Failure> {
        Ok(IncomeServiceClient::new(self.channel(Program::Projection)?).max_decoding_message_size(MESSAGE_BYTES_MAX))
    }

    /// A caller of the queries of the loop.
    pub fn loops(&self) -> Result<LoopServiceClient<Channel>, Failure> {
        Ok(LoopServiceClient::new(self.channel(Program::Projection)?).max_decoding_message_size(MESSAGE_BYTES_MAX))
    }

    /// A caller of the queries that trace a lot.
    pub fn trace(&self) -> Result<TraceServiceClient<Channel>, Failure> {
        Ok(TraceServiceClient::new(self.channel(Program::Projection)?).max_decoding_message_size(MESSAGE_BYTES_MAX))
    }
}

/// The request with the county, unless it names one itself.
pub(crate) fn named<R: OfCounty>(mut request: R, county: Option<CountyCode>) -> R {
    if let Some(county) = county.filter(|_| request.county_code().is_empty()) {
        *request.county_code_mut() = county.to_string();
    }
    request
}

async fn connect(url: &str) -> Result<Channel, Failure> {
    let endpoint = endpoint(url)?;
    let url = endpoint.uri().to_string();
    endpoint.connect().await.map_err(|error| {
        let why = WithCauses(&error).to_string();
        Failure::Unreachable(both!("无法连接 {url}:{why}", "cannot reach {url}: {why}"))
    })
}

/// Where to connect. This build speaks no TLS, so an address that asks for it is refused: never anything in the clear.
fn endpoint(url: &str) -> Result<Endpoint, Failure> {
    let wrong = |why: String| Failure::Usage(format!("--server: {why}"));
    let (scheme, _) = url.split_once("://").unwrap_or(("http", url));
    match scheme.to_ascii_lowercase().as_str() {
        "http" => {}
        "https" => {
            return Err(wrong(both!(
                "{url} 要求 TLS,而本程序不支持 TLS,不会以明文代替:请经本机的 TLS 代理连接,再用 http:// 指向该代理",
                "{url} asks for TLS, which this program does not speak, and it sends nothing in the clear instead: \
                 connect through a TLS proxy on this machine, and name that with http://"
            )));
        }
        _ => return Err(wrong(both!("'{url}' 不是 http:// 地址", "'{url}' is no http:// address"))),
    }
    let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let endpoint = Endpoint::from_shared(url.clone()).map_err(|error| {
        let why = WithCauses(&error).to_string();
        wrong(both!("'{url}' 不是有效的地址:{why}", "'{url}' is not a URL: {why}"))
    })?;
    Ok(endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(1 << 22))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_asks_for_tls_is_refused_and_never_spoken_to_in_the_clear() {
        for url in ["https://127.0.0.1:1", "HTTPS://example.org", "grpcs://example.org:1", "unix:///tmp/x", "://x"] {
            assert!(matches!(endpoint(url), Err(Failure::Usage(_))), "{url}");
        }
        for url in ["127.0.0.1:1", "http://127.0.0.1:1", "HTTP://example.org:1", "example.org:1"] {
            assert!(endpoint(url).is_ok(), "{url}");
        }
        let said = endpoint("https://127.0.0.1:1").unwrap_err().to_string();
        assert!(said.contains("TLS") && said.contains("in the clear"), "{said}");
    }
}
