//! The settings of a server, by one rule: an argument `--some-thing` of `up` or `serve` is `LOOPLEDGER_SOME_THING` in the
//! environment, and `some_thing` in the TOML file that `--config` names. Of a setting that stands in several places the
//! argument counts, then the variable, then the file.
//!
//! The file becomes the arguments' defaults, so its values are parsed, and refused, as arguments are.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command};
use loopledger_client::{Failure, Program};
use toml_edit::{DocumentMut, Item, Value};

use crate::kafka;

/// The commands that have settings.
const COMMANDS: [&str; 2] = ["up", "serve"];

/// Not settings, but how they are found and shown.
const ABOUT_CONFIG: [&str; 4] = ["config", "print_config", "help", "version"];

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// TOML file with settings: each argument by its name, with underscores for hyphens. Arguments
    /// come before LOOPLEDGER_… variables, and these before the file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Prints every setting and where it comes from, then starts. Secrets are hidden.
    #[arg(long)]
    pub(crate) print_config: bool,
}

/// What a file says: values as they would stand on the command line.
#[derive(Debug, Default)]
pub(crate) struct File {
    path: PathBuf,
    values: BTreeMap<String, String>,
}

/// The variable of an argument.
fn variable(argument: &str) -> String {
    format!("LOOPLEDGER_{}", argument.to_uppercase())
}

/// The name of an argument as files have it, if it is a setting.
fn setting(argument: &Arg) -> Option<&str> {
    let name = argument.get_id().as_str();
    (!argument.is_positional() && !ABOUT_CONFIG.contains(&name)).then_some(name)
}

/// Clap wants names that live as long as the process: there are a dozen, once.
fn leaked(text: String) -> &'static str {
    text.leak()
}

/// Gives the arguments of `up` and `serve` their variables.
pub(crate) fn with_variables(command: Command) -> Command {
    COMMANDS.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| {
            command.mut_args(|argument| {
                let id = argument.get_id().as_str();
                if argument.is_positional() || matches!(id, "print_config" | "help" | "version") {
                    return argument;
                }
                if argument.get_env().is_some() {
                    return argument;
                }
                let variable = leaked(variable(id));
                // The help of every other line would be about variables; the rule stands with --config.
                argument.env(variable).hide_env(true)
            })
        })
    })
}

/// The file that the arguments or the environment name, if they name one.
pub(crate) fn find(command: &Command, arguments: &[OsString]) -> Result<File, Failure> {
    // What is wrong with the arguments is said when they are parsed in earnest.
    let matches = command.clone().ignore_errors(true).try_get_matches_from(arguments);
    let named = matches.ok().and_then(|matches| {
        let (name, matches) = matches.subcommand()?;
        let path = matches.try_get_one::<PathBuf>("config").ok().flatten()?.clone();
        Some((name.to_owned(), path))
    });
    let Some((name, path)) = named else { return Ok(File::default()) };
    let text = fs::read_to_string(&path).map_err(|error| wrong(&path, &error.to_string()))?;
    let values = command.find_subcommand(&name).map_or_else(|| Ok(BTreeMap::new()), |command| values(command, &text));
    let values = values.map_err(|what| wrong(&path, &what))?;
    Ok(File { path, values })
}

fn wrong(path: &Path, what: &str) -> Failure {
    Failure::Usage(format!("--config: {}: {what}", path.display()))
}

/// The settings of `command` in a file. What is not a setting of it is an error.
fn values(command: &Command, text: &str) -> Result<BTreeMap<String, String>, String> {
    let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
    let known: Vec<&str> = command.get_arguments().filter_map(setting).collect();
    let mut values = BTreeMap::new();
    for (name, item) in document.iter() {
        if !known.contains(&name) {
            return Err(format!("'{name}' is no setting of {}; there are {}", command.get_name(), known.join(", ")));
        }
        let value = match item {
            Item::Value(Value::Array(list)) => {
                let parts: Option<Vec<String>> = list.iter().map(plain).collect();
                parts.map(|parts| parts.join(","))
            }
            Item::Value(value) => plain(value),
            Item::None | Item::Table(_) | Item::ArrayOfTables(_) => None,
        };
        let value =
            value.ok_or_else(|| format!("'{name}' is not a text, a whole number, true, false, or a list of such"))?;
        values.insert(name.to_owned(), value);
    }
    Ok(values)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.value().clone()),
        Value::Integer(number) => Some(number.value().to_string()),
        Value::Boolean(flag) => Some(flag.value().to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::InlineTable(_) => None,
    }
}

impl File {
    /// Makes the file's values the defaults of the command's arguments.
    pub(crate) fn apply(&self, command: Command) -> Command {
        COMMANDS.into_iter().fold(command, |command, name| {
            command.mut_subcommand(name, |command| {
                command.mut_args(|argument| match self.values.get(argument.get_id().as_str()) {
                    Some(value) => argument.required(false).default_value(leaked(value.clone())),
                    None => argument,
                })
            })
        })
    }

    /// Every setting of the chosen command as lines of TOML, each with where it comes from; none if that was not asked.
    pub(crate) fn shown(&self, command: &Command, matches: &ArgMatches) -> Option<String> {
        let (name, matches) = matches.subcommand()?;
        if !COMMANDS.contains(&name) || !matches.get_flag("print_config") {
            return None;
        }
        let mut lines = String::new();
        for argument in command.find_subcommand(name)?.get_arguments() {
            let Some(name) = setting(argument) else { continue };
            let (value, origin) = self.found(name, argument, matches);
            let _ = match value {
                Some(value) => writeln!(lines, "{name} = {value} # {origin}"),
                None => writeln!(lines, "# {name} is not set"),
            };
        }
        if let Some(path) = matches.get_one::<PathBuf>("kafka_config") {
            let _ = writeln!(lines, "# in {}:", path.display());
            // A file that cannot be read is refused by the start.
            for (name, value) in kafka::shown(path).unwrap_or_default() {
                let _ = writeln!(lines, "#   {name} = {value}");
            }
        }
        Some(lines)
    }

    fn found(&self, name: &str, argument: &Arg, matches: &ArgMatches) -> (Option<Value>, String) {
        let raw = matches.get_raw(name).map(|values| {
            let values: Vec<_> = values.map(|value| value.to_string_lossy().into_owned()).collect();
            values.join(",")
        });
        let is_flag = matches!(argument.get_action(), ArgAction::SetTrue);
        let value = match raw {
            _ if is_flag => Some(Value::from(matches.get_flag(name))),
            Some(text) => Some(text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)),
            None => by_program(name, matches).map(Value::from),
        };
        let origin = match matches.value_source(name) {
            Some(ValueSource::CommandLine) => "argument".to_owned(),
            Some(ValueSource::EnvVariable) => format!("environment {}", variable(name)),
            _ if self.values.contains_key(name) => format!("file {}", self.path.display()),
            _ => "default".to_owned(),
        };
        (value, origin)
    }
}

/// The addresses that depend on the program.
fn by_program(name: &str, matches: &ArgMatches) -> Option<String> {
    let program = matches.try_get_one::<Program>("service").ok().flatten()?;
    match name {
        "listen" => Some(program.default_listen().to_string()),
        "metrics" => Some(program.default_metrics().to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn command() -> Command {
        with_variables(Cli::command())
    }

    fn of_file(text: &str) -> Result<BTreeMap<String, String>, String> {
        values(command().find_subcommand("up").unwrap(), text)
    }

    /// What `up` with these arguments would print, the file being `text`.
    fn printed(text: &str, arguments: &[&str]) -> Result<String, String> {
        let file = File { path: "county.toml".into(), values: of_file(text)? };
        let command = file.apply(command());
        let arguments = [&["loopledger", "up", "--print-config"], arguments].concat();
        let matches = command.clone().try_get_matches_from(arguments).map_err(|error| error.to_string())?;
        Ok(file.shown(&command, &matches).expect("it was asked for"))
    }

    #[test]
    fn every_setting_has_its_variable_by_the_rule() {
        for name in COMMANDS {
            let command = command();
            let command = command.find_subcommand(name).unwrap();
            let mut found = Vec::new();
            for argument in command.get_arguments() {
                let Some(name) = setting(argument) else { continue };
                let expected = argument.get_long().unwrap().replace('-', "_").to_uppercase();
                assert_eq!(argument.get_env().unwrap().to_str().unwrap(), format!("LOOPLEDGER_{expected}"));
                assert_eq!(name, expected.to_lowercase());
                found.push(expected);
            }
            assert!(found.len() >= 6, "{name}: {found:?}");
        }
    }

    #[test]
    fn an_argument_comes_before_the_file_and_the_file_before_the_default() {
        let text = "data = \"/srv/a\"\naccept_clock = true\nkafka = [\"a:1\", \"b:2\"]\nlisten = \"127.0.0.1:0\"\n";
        let lines = printed(text, &["--listen", "127.0.0.1:7"]).unwrap();
        for line in [
            "data = \"/srv/a\" # file county.toml",
            "accept_clock = true # file county.toml",
            "kafka = \"a:1,b:2\" # file county.toml",
            "listen = \"127.0.0.1:7\" # argument",
            "metrics = \"127.0.0.1:9464\" # default",
            "demo = false # default",
            "seed = 2020 # default",
            "# kafka_config is not set",
        ] {
            assert!(lines.lines().any(|found| found == line), "{line}:\n{lines}");
        }
        // What is printed is a file again.
        assert_eq!(of_file(&lines).unwrap()["kafka"], "a:1,b:2");
    }

    #[test]
    fn what_is_no_setting_is_an_error_that_names_it() {
        for (text, named) in [
            ("lissen = \"x\"", "'lissen' is no setting of up; there are data, "),
            ("partitions = \"none\"", "'partitions' is no setting of up"),
            ("config = \"x\"", "'config' is no setting"),
            ("print_config = true", "'print_config' is no setting"),
            ("[up]\ndata = \"x\"", "'up' is no setting"),
            ("data = 1.5", "'data' is not a text"),
            ("data = { a = 1 }", "'data' is not a text"),
            ("data = \"a\"\ndata = \"b\"", "duplicate key"),
            ("data", "TOML parse error"),
        ] {
            let said = of_file(text).unwrap_err();
            assert!(said.contains(named), "{text}: {said}");
        }
        let said = printed("listen = \"nowhere\"", &[]).unwrap_err();
        assert!(said.contains("'nowhere'") && said.contains("--listen"), "{said}");
        let said = printed("households = 0", &["--demo"]).unwrap_err();
        assert!(said.contains("--households"), "{said}");
    }
}
