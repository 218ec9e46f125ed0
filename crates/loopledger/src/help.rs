//! Help and usage errors of the command line, in Chinese where that is the language.
//!
//! The English texts are the doc comments of the arguments. `chinese` has a text for every command and argument; a test
//! finds one that is missing. Texts of clap itself are translated here, phrase by phrase.

mod chinese;

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory as _, Error, FromArgMatches as _};
use loopledger_client::lang::{Lang, lang};
use loopledger_client::{Failure, say};

use crate::cli::Cli;
use crate::config;
use crate::output::{View, wrap};

/// Parses the command line; `None` if help was asked for, which has been printed then.
pub(crate) fn parse() -> Result<Option<Cli>, Failure> {
    let command = config::with_variables(command(lang()));
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let file = config::find(&command, &arguments)?;
    let command = file.apply(command);
    let matches = command.clone().try_get_matches_from(&arguments);
    let parsed = matches.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    match parsed {
        Ok((cli, matches)) => {
            if let Some(settings) = file.shown(&command, &matches) {
                say!("{}", settings.trim_end())?;
            }
            Ok(Some(cli))
        }
        Err(error) => explain(&error, lang()).map(|()| None),
    }
}

/// The command line with its help in a language.
fn command(lang: Lang) -> Command {
    match lang {
        Lang::English => Cli::command(),
        Lang::Chinese => in_chinese(Cli::command(), ""),
    }
}

fn in_chinese(command: Command, path: &str) -> Command {
    let about = chinese::about(path);
    let command = command.about(about).long_about(None);
    let path_of = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path} {name}") };
    let command = command.mut_args(|arg: Arg| match chinese::argument(path, arg.get_id().as_str()) {
        Some(help) => arg.help(help).long_help(None),
        None => arg,
    });
    command.mut_subcommands(|subcommand| {
        let path = path_of(subcommand.get_name());
        in_chinese(subcommand, &path)
    })
}

/// Prints help, or says what is wrong.
fn explain(error: &Error, lang: Lang) -> Result<(), Failure> {
    let view = View::table();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let text = fitted(&translated(&error.render().to_string(), lang), view.width);
        return say!("{}", text.trim_end());
    }
    let english = fitted(&error.render().to_string(), view.width);
    Err(Failure::Usage(match lang {
        Lang::English => english.trim_end().to_owned(),
        Lang::Chinese => format!("{}\n{}", complaint(error), translated(english.trim_end(), lang)),
    }))
}

/// What is wrong with the command line, in Chinese.
#[expect(clippy::wildcard_enum_match_arm, reason = "clap adds kinds of errors, and of what they say")]
fn complaint(error: &Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" "),
        _ => String::new(),
    };
    let (argument, value) = (context(ContextKind::InvalidArg), context(ContextKind::InvalidValue));
    match error.kind() {
        ErrorKind::InvalidSubcommand => format!("没有命令 '{}'", context(ContextKind::InvalidSubcommand)),
        ErrorKind::UnknownArgument => format!("没有参数 '{argument}'"),
        ErrorKind::MissingRequiredArgument => format!("缺少参数 {argument}"),
        ErrorKind::ArgumentConflict => format!("参数 {argument} 不能与其他参数同用"),
        ErrorKind::InvalidValue if value.is_empty() => format!("参数 {argument} 缺少取值"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => format!("参数 {argument} 的取值 '{value}' 无效"),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "缺少命令".to_owned(),
        _ => "命令行有误".to_owned(),
    }
}

/// What clap writes around the texts of commands and arguments.
const PHRASES: &[(&str, &str)] = &[
    ("Usage:", "用法:"),
    ("Commands:", "命令:"),
    ("Arguments:", "参数:"),
    ("Options:", "选项:"),
    ("[OPTIONS]", "[选项]"),
    ("<COMMAND>", "<命令>"),
    ("[default: ", "[默认: "),
    ("[possible values: ", "[可选: "),
    ("[env: ", "[环境变量: "),
    ("Print this message or the help of the given subcommand(s)", "显示本帮助,或某个命令的帮助"),
    ("Print help (see more with '--help')", "显示帮助"),
    ("Print help (see a summary with '-h')", "显示帮助"),
    ("Print help", "显示帮助"),
    ("Print version", "显示版本"),
    ("For more information, try '--help'.", "更多说明见 --help。"),
];

fn translated(text: &str, lang: Lang) -> String {
    match lang {
        Lang::English => text.to_owned(),
        Lang::Chinese => {
            PHRASES.iter().fold(text.to_owned(), |text, (english, chinese)| text.replace(english, chinese))
        }
    }
}

/// The text within a width: what is too long goes on below where its description begins.
fn fitted(text: &str, width: usize) -> String {
    let mut fitted = String::new();
    for line in text.lines() {
        let content = line.trim_start();
        let indent = line.len().saturating_sub(content.len());
        // An option and its description stand two spaces apart.
        let described = content.find("  ").map(|at| {
            let (name, rest) = content.split_at(at);
            (name, rest.trim_start(), rest.len().saturating_sub(rest.trim_start().len()))
        });
        let (head, body) = match described {
            Some((name, body, gap)) => (format!("{}{name}{}", " ".repeat(indent), " ".repeat(gap)), body),
            None => (" ".repeat(indent), content),
        };
        let hanging = unicode_width::UnicodeWidthStr::width(head.as_str());
        for (number, part) in wrap(body, width.saturating_sub(hanging).max(20)).iter().enumerate() {
            let before = if number == 0 { head.clone() } else { " ".repeat(hanging) };
            fitted.push_str(format!("{before}{part}").trim_end());
            fitted.push('\n');
        }
    }
    fitted
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    /// Every command with its path.
    fn each(command: &Command, path: &str, visit: &mut impl FnMut(&Command, &str)) {
        visit(command, path);
        for subcommand in command.get_subcommands() {
            let name = subcommand.get_name();
            let path = if path.is_empty() { name.to_owned() } else { format!("{path} {name}") };
            each(subcommand, &path, visit);
        }
    }

    fn is_chinese(text: &str) -> bool {
        text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
    }

    #[test]
    fn every_command_and_argument_has_help_in_both_languages() {
        each(&command(Lang::Chinese), "", &mut |command, path| {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(is_chinese(&about), "no Chinese text for the command '{path}': {about}");
            for argument in command.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(is_chinese(&help), "no Chinese text for {} of '{path}': {help}", argument.get_id());
            }
        });
        each(&command(Lang::English), "", &mut |command, path| {
            assert!(command.get_about().is_some(), "{path}");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "no text for {} of '{path}'", argument.get_id());
            }
        });
    }

    #[test]
    fn help_fits_the_terminal_and_is_in_one_language() {
        for (lang, width) in [Lang::Chinese, Lang::English].into_iter().flat_map(|l| [(l, 80), (l, 120)]) {
            each(&command(lang), "", &mut |command, path| {
                let text = translated(&command.clone().render_help().to_string(), lang);
                let fitted = fitted(&text, width);
                let wide = fitted.lines().find(|line| line.width() > width);
                assert_eq!(wide, None, "{path} at {width}");
                match lang {
                    Lang::Chinese => {
                        for (english, _) in PHRASES {
                            assert!(!fitted.contains(english), "{path}: {english}\n{fitted}");
                        }
                    }
                    Lang::English => assert!(fitted.contains("Usage:"), "{fitted}"),
                }
            });
        }
    }
}
