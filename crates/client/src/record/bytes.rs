//! Lines as bytes: a byte order mark is skipped, and other encodings than UTF-8 are named.

use std::io::{self, BufRead, Read as _};

use super::broken::Wrong;

/// Longest line taken: far beyond the largest request (200 lines of 200 bytes).
pub(super) const LINE_BYTES_MAX: usize = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads up to the end of a line; `None` at the end of the file.
pub(super) fn read_line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    reader.by_ref().take(most).read_until(b'\n', &mut bytes)?;
    Ok((!bytes.is_empty()).then_some(bytes))
}

/// The text of a line, or what is wrong with its bytes.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Wrong> {
    if bytes.len() > LINE_BYTES_MAX {
        return Err(Wrong::of_line(
            format!("一行超过 {LINE_BYTES_MAX} 字节"),
            format!("The line is longer than {LINE_BYTES_MAX} bytes"),
        ));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0) {
        return Err(encoding("UTF-16", "UTF-16"));
    }
    // Also where files were joined.
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    core::str::from_utf8(bytes).map(str::trim).map_err(|error| {
        if is_gb18030(bytes) {
            return encoding("GB 18030(GBK、GB2312)", "GB 18030 (GBK, GB 2312)");
        }
        let at = error.valid_up_to().saturating_add(1);
        Wrong::of_line(format!("第 {at} 字节不是 UTF-8"), format!("Byte {at} is not UTF-8"))
    })
}

fn encoding(chinese: &str, english: &str) -> Wrong {
    Wrong::of_line(
        format!("文件编码是 {chinese},须为 UTF-8:请在编辑器中另存为 UTF-8,或用 iconv 转换"),
        format!(
            "The file is in {english} and must be in UTF-8: save it as UTF-8 in the editor, or convert it with iconv"
        ),
    )
}

/// Whether the bytes are whole characters of GB 18030, with at least one that is not ASCII.
fn is_gb18030(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        rest = match *rest {
            [] => return !bytes.is_ascii(),
            [0x81..=0xfe, 0x30..=0x39, 0x81..=0xfe, 0x30..=0x39, ref rest @ ..]
            | [0x81..=0xfe, 0x40..=0x7e | 0x80..=0xfe, ref rest @ ..]
            | [..=0x7f, ref rest @ ..] => rest,
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_skipped_and_other_encodings_are_named() {
        assert_eq!(text(b"\xef\xbb\xbf{}\r\n").unwrap(), "{}");
        for (bytes, named) in [
            (&b"{\"label\":\"\xcd\xd0\xc0\xef\xcf\xd8\"}"[..], "GB 18030"),
            (b"\xff\xfe{\0", "UTF-16"),
            (b"\xfe\xff\0{", "UTF-16"),
            (b"{\0}\0", "UTF-16"),
            (b"ab\xff", "Byte 3"),
            (b"\x81", "Byte 1"),
        ] {
            let wrong = text(bytes).unwrap_err();
            assert!(wrong.english.contains(named), "{bytes:?}: {}", wrong.english);
        }
    }

    #[test]
    fn a_line_without_end_is_not_read_into_memory() {
        let mut endless = io::BufReader::new(io::repeat(b'a'));
        let bytes = read_line(&mut endless).unwrap().unwrap();
        assert_eq!(bytes.len(), LINE_BYTES_MAX + 1);
        assert!(text(&bytes).is_err());
    }
}
