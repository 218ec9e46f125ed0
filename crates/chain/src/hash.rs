//! RFC 6962 leaf hashes.

use loopledger_types::Hash;
use sha2::{Digest, Sha256};

/// SHA-256(0x00 || record): the hash of a commit, and its leaf in the stream's Merkle log (RFC 6962 §2.1).
pub fn leaf_hash(record: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(record);
    Hash(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_leaf_is_rfc_6962s() {
        let expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(leaf_hash(b"").to_string(), expected);
    }
}
