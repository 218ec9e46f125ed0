//! The language of help and messages: Chinese, or English where the locale names another language than Chinese.
//!
//! `LC_ALL`, `LC_MESSAGES` and `LANG` are asked in this order, as POSIX says. A locale that names no language (none, `C`,
//! `POSIX`) leaves the program its own, the language of the officers and stations that it is for.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lang {
    Chinese,
    English,
}

/// The language of this process.
#[cfg(not(test))]
pub(crate) fn lang() -> Lang {
    static LANG: std::sync::OnceLock<Lang> = std::sync::OnceLock::new();
    *LANG.get_or_init(|| of(|name| std::env::var(name).ok()))
}

/// That of a test: it says the same in every environment.
#[cfg(test)]
pub(crate) fn lang() -> Lang {
    TEST_LANG.get()
}

#[cfg(test)]
std::thread_local! {
    static TEST_LANG: core::cell::Cell<Lang> = const { core::cell::Cell::new(Lang::Chinese) };
}

/// Runs a part of a test in another language.
#[cfg(test)]
pub(crate) fn speaking<T>(lang: Lang, part: impl FnOnce() -> T) -> T {
    let before = TEST_LANG.replace(lang);
    let outcome = part();
    TEST_LANG.set(before);
    outcome
}

fn of(variable: impl Fn(&str) -> Option<String>) -> Lang {
    let named = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    let locale = named.unwrap_or_default().to_ascii_lowercase();
    // "zh_CN.UTF-8": language, territory, encoding.
    match locale.split(['_', '-', '.', '@']).next() {
        None | Some("" | "c" | "posix" | "zh") => Lang::Chinese,
        Some(_) => Lang::English,
    }
}

/// The one of two texts that is in this process's language.
pub(crate) fn pick(chinese: &'static str, english: &'static str) -> &'static str {
    match lang() {
        Lang::Chinese => chinese,
        Lang::English => english,
    }
}

/// A text in this process's language: Chinese first, then English, as for `format!`.
macro_rules! tr {
    ($chinese:literal, $english:literal $(, $($argument:tt)*)?) => {
        match $crate::lang::lang() {
            $crate::lang::Lang::Chinese => format!($chinese $(, $($argument)*)?),
            $crate::lang::Lang::English => format!($english $(, $($argument)*)?),
        }
    };
}

/// A message about something that went wrong. In Chinese it carries the English too, which documentation is in.
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

pub(crate) use {both, tr};

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
            assert_eq!(of(variable), expected, "{lc_all} {lc_messages} {lang}");
        }
    }
}
