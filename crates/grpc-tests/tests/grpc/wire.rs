//! Calls by name with JSON, or with any bytes at all.

use std::time::Duration;

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use serde_json::Value;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status};

use prost::bytes::{Buf, BufMut};

/// Bytes as they are.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut item = vec![0; from.remaining()];
        from.copy_to_slice(&mut item);
        Ok(Some(item))
    }
}

pub(crate) fn pool() -> DescriptorPool {
    DescriptorPool::decode(loopledger_proto::FILE_DESCRIPTOR_SET).unwrap()
}

/// `station`, `CollectGoods`.
pub(crate) fn method(service: &str, name: &str) -> MethodDescriptor {
    let full = format!("loopledger.{service}.v1.{}Service", capital(service));
    let service = pool().get_service_by_name(&full).unwrap_or_else(|| panic!("no {full}"));
    service.methods().find(|method| method.name() == name).unwrap_or_else(|| panic!("no {name}"))
}

fn capital(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

pub(crate) fn path(service: &str, name: &str) -> String {
    format!("/loopledger.{service}.v1.{}Service/{name}", capital(service))
}

/// What the JSON says, as the method's request.
pub(crate) fn encode(method: &MethodDescriptor, request: &Value) -> Vec<u8> {
    let message = DynamicMessage::deserialize(method.input(), request);
    message.unwrap_or_else(|error| panic!("{request}: {error}")).encode_to_vec()
}

pub(crate) async fn call_raw(
    channel: &Channel,
    path: &str,
    request: Vec<u8>,
    timeout: Option<Duration>,
) -> Result<Vec<u8>, Status> {
    let mut request = Request::new(request);
    if let Some(timeout) = timeout {
        request.set_timeout(timeout);
    }
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let answer = grpc.unary(request, path.parse::<PathAndQuery>().unwrap(), Raw).await?;
    Ok(answer.into_inner())
}

pub(crate) async fn call(
    channel: &Channel,
    service: &str,
    name: &str,
    request: &Value,
    timeout: Option<Duration>,
) -> Result<Value, Status> {
    let method = method(service, name);
    let answer = call_raw(channel, &path(service, name), encode(&method, request), timeout).await?;
    let message = DynamicMessage::decode(method.output(), answer.as_slice()).unwrap();
    Ok(serde_json::to_value(message).unwrap())
}
