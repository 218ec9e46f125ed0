//! Protobuf bytes written by hand, right or wrong: shares no code with the codec under test.

pub(crate) const ZEROS: [u8; 32] = [0; 32];
pub(crate) const REQUEST: &str = "0192f0c1-2b3c-7d4e-8f50-a1b2c3d4e5f6";
pub(crate) const COLLECTED: &str = "type.googleapis.com/loopledger.station.event.v1.GoodsCollected";

pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value % 0x80) as u8 + 0x80);
        value /= 0x80;
    }
    out.push(value as u8);
    out
}

/// A varint in one byte more than it needs.
pub(crate) fn long_varint(value: u64) -> Vec<u8> {
    let mut out = varint(value);
    *out.last_mut().unwrap() += 0x80;
    out.push(0);
    out
}

pub(crate) fn uint(field: u64, value: u64) -> Vec<u8> {
    [varint(field * 8), varint(value)].concat()
}

pub(crate) fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [&varint(field * 8 + 2)[..], &varint(value.len() as u64), value].concat()
}

pub(crate) fn text(field: u64, value: &str) -> Vec<u8> {
    bytes(field, value.as_bytes())
}

pub(crate) fn message(field: u64, parts: &[Vec<u8>]) -> Vec<u8> {
    bytes(field, &parts.concat())
}

pub(crate) fn event(type_url: &str, value: &[u8]) -> Vec<u8> {
    let value = if value.is_empty() { Vec::new() } else { bytes(2, value) };
    message(9, &[text(1, type_url), value])
}

pub(crate) fn head(stream: &str, sequence: u64) -> Vec<u8> {
    message(10, &[text(1, stream), uint(2, sequence)])
}

/// The ten fields of a commit, each as its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Commit([Vec<u8>; 10]);

impl Commit {
    /// The smallest commit: no cause, no actor, one event, no upstream.
    pub(crate) fn new(stream: &str, sequence: u64, previous_hash: [u8; 32]) -> Self {
        Self([
            text(1, stream),
            uint(2, sequence),
            bytes(3, &previous_hash),
            text(4, REQUEST),
            bytes(5, &[0xd1; 32]),
            Vec::new(),
            Vec::new(),
            message(8, &[uint(1, 1_751_328_000), uint(2, 250_000_000)]),
            event(COLLECTED, &[0x0a, 0x01, 0x2a]),
            Vec::new(),
        ])
    }

    /// With everything that a commit can have.
    pub(crate) fn full(stream: &str, sequence: u64, previous_hash: [u8; 32]) -> Self {
        let second = event("type.googleapis.com/loopledger.station.event.v1.GoodsReleased", &[]);
        Self::new(stream, sequence, previous_hash)
            .set(6, message(6, &[text(1, "procurement/654224"), uint(2, 300), bytes(3, &[0xca; 32])]))
            .set(7, message(7, &[text(1, "u-17"), text(2, "clerk")]))
            .set(9, [event(COLLECTED, &[0x0a, 0x01, 0x2a]), second].concat())
            .set(10, [head("procurement/654224", 300), head("sales/654224", 1)].concat())
    }

    /// The same with other bytes in the place of field `number`.
    pub(crate) fn set(mut self, number: usize, bytes: Vec<u8>) -> Self {
        self.0[number - 1] = bytes;
        self
    }

    pub(crate) fn field(&self, number: usize) -> Vec<u8> {
        self.0[number - 1].clone()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.concat()
    }
}
