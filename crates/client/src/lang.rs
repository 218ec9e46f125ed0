//! The language of help and messages: Chinese, or English where the locale names another language than Chinese.
//!
//! `LC_ALL`, `LC_MESSAGES` and `LANG` are asked in this order, as POSIX says. A locale that names no language (none, `C`,
//! `POSIX`) leaves the program its own, the language of the officers and stations that it is for.

use core::cell::Cell;
use std::sync::OnceLock;

/// A language that help and messages are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    Chinese,
    English,
}

/// What the program has chosen.
static CHOSEN: OnceLock<Lang> = OnceLock::new();

std::thread_local! {
    /// What [`speaking`] has set on this thread.
    static SPOKEN: Cell<Option<Lang>> = const { Cell::new(None) };
}

/// Chooses the language of this process. The first choice stands; without one it is Chinese.
pub fn choose(lang: Lang) {
    CHOSEN.get_or_init(|| lang);
}

/// The language of this process, or of this part of a thread.
pub fn lang() -> Lang {
    SPOKEN.get().or_else(|| CHOSEN.get().copied()).unwrap_or(Lang::Chinese)
}

/// Runs a part of this thread in a language.
pub fn speaking<T>(lang: Lang, part: impl FnOnce() -> T) -> T {
    let before = SPOKEN.replace(Some(lang));
    let outcome = part();
    SPOKEN.set(before);
    outcome
}

/// The language that the variables of a locale ask for.
pub fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Lang {
    let named = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    let locale = named.unwrap_or_default().to_ascii_lowercase();
    // "zh_CN.UTF-8": language, territory, encoding.
    match locale.split(['_', '-', '.', '@']).next() {
        None | Some("" | "c" | "posix" | "zh") => Lang::Chinese,
        Some(_) => Lang::English,
    }
}

/// The one of two texts that is in this process's language.
pub fn pick(chinese: &'static str, english: &'static str) -> &'static str {
    match lang() {
        Lang::Chinese => chinese,
        Lang::English => english,
    }
}

/// A text in this process's language: Chinese first, then English, as for `format!`.
#[macro_export]
macro_rules! tr {
    ($chinese:literal, $english:literal $(, $($argument:tt)*)?) => {
        match $crate::lang::lang() {
            $crate::lang::Lang::Chinese => format!($chinese $(, $($argument)*)?),
            $crate::lang::Lang::English => format!($english $(, $($argument)*)?),
        }
    };
}

/// A message about something that went wrong. In Chinese it carries the English too, which documentation is in.
#[macro_export]
macro_rules! both {
    ($chinese:literal, $english:literal $(, $($argument:tt)*)?) => {
        match $crate::lang::lang() {
            $crate::lang::Lang::Chinese => {
                format!("{} ({})", format!($chinese $(, $($argument)*)?), format!($english $(, $($argument)*)?))
            }
            $crate::lang::Lang::English => format!($english $(, $($argument)*)?),
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_chooses_the_language() {
        for (lc_all, lc_messages, lang, expected) in [
            ("", "", "", Lang::Chinese),
            ("", "", "zh_CN.UTF-8", Lang::Chinese),
            ("", "", "zh-TW", Lang::Chinese),
            ("", "", "en_US.UTF-8", Lang::English),
            ("", "", "de_DE@euro", Lang::English),
            ("", "", "C.UTF-8", Lang::Chinese),
            ("", "en_GB.UTF-8", "zh_CN.UTF-8", Lang::English),
            ("zh_CN.UTF-8", "en_GB.UTF-8", "en_GB.UTF-8", Lang::Chinese),
            ("POSIX", "", "en_US.UTF-8", Lang::Chinese),
        ] {
            let variable = |name: &str| {
                let value = match name {
                    "LC_ALL" => lc_all,
                    "LC_MESSAGES" => lc_messages,
                    _ => lang,
                };
                Some(value.to_owned())
            };
            assert_eq!(of_locale(variable), expected, "{lc_all} {lc_messages} {lang}");
        }
    }
}
