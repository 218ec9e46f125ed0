//! Bytes as hexadecimal digits: written in lower case, read in either.

use core::fmt;

/// Writes two digits for each byte.
pub fn write(bytes: &[u8], to: &mut impl fmt::Write) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(to, "{byte:02x}"))
}

/// Two digits for each byte.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    write(bytes, &mut text).expect("a string takes everything");
    text
}

/// The bytes of a text of hexadecimal digits; `None` for any other text.
pub fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_ref().as_chunks();
    rest.is_empty().then(|| pairs.iter().copied().map(byte).collect()).flatten()
}

/// The `N` bytes of a text of `2 N` hexadecimal digits; `None` for any other text.
pub fn decode_array<const N: usize>(text: impl AsRef<[u8]>) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_ref().as_chunks();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (slot, pair) in bytes.iter_mut().zip(pairs) {
        *slot = byte(*pair)?;
    }
    Some(bytes)
}

fn byte([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_digits_and_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(encode(&all)), Some(all));
        assert_eq!(encode(&[0x00, 0x0f, 0xf0, 0xff]), "000ff0ff");
        assert_eq!(decode("0aF0"), Some(vec![0x0a, 0xf0]));
        assert_eq!(decode_array("0aF0"), Some([0x0a, 0xf0]));
        assert_eq!((decode(""), decode_array("")), (Some(Vec::new()), Some([])));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["0", "+1", "-1", "0g", " 1", "1 ", "0x", "１"] {
            assert_eq!((decode(text), decode_array::<1>(text)), (None, None), "{text}");
        }
        assert_eq!((decode_array::<1>("00ff"), decode_array::<3>("00ff")), (None, None));
    }
}
