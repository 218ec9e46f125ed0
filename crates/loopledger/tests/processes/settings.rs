//! Settings by argument, variable and file, as a real process finds them.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};

use crate::support::{BINARY, plain};

/// Runs `up`, which prints its settings and then fails at once: its address is taken.
fn up(taken: &TcpListener, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    let address = taken.local_addr().expect("an address").to_string();
    plain(&mut command).args(["up", "--metrics", &address]).args(arguments).envs(variables.iter().copied());
    command.output().expect("the binary runs")
}

#[test]
fn settings_come_from_arguments_variables_and_one_file_and_say_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let secrets = folder.path().join("kafka.conf");
    fs::write(&secrets, "security.protocol=SASL_PLAINTEXT\nsasl.password=open-sesame\n").expect("a file");
    let file = folder.path().join("county.toml");
    let path = file.to_str().expect("UTF-8");
    let text =
        format!("data = \"/srv/a\"\nlisten = \"127.0.0.1:1\"\naccept_clock = true\nkafka_config = {secrets:?}\n");
    fs::write(&file, text).expect("a file");
    let variables = [("LOOPLEDGER_LISTEN", "127.0.0.1:2"), ("LOOPLEDGER_DATA", "/srv/b"), ("LOOPLEDGER_CONFIG", path)];
    let output = up(&taken, &variables, &["--print-config", "--data", "/srv/c"]);
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for line in [
        "data = \"/srv/c\" # argument".to_owned(),
        "listen = \"127.0.0.1:2\" # environment LOOPLEDGER_LISTEN".to_owned(),
        format!("accept_clock = true # file {path}"),
        "seed = 2020 # default".to_owned(),
        "# kafka is not set".to_owned(),
        "#   sasl.password = (hidden)".to_owned(),
        "#   security.protocol = SASL_PLAINTEXT".to_owned(),
    ] {
        assert!(printed.lines().any(|found| found == line), "{line}:\n{printed}{said}");
    }
    assert!(!printed.contains("open-sesame") && !said.contains("open-sesame"));
    assert_eq!(output.status.code(), Some(1), "then it starts, and its address is taken: {said}");
    // Unasked, nothing is printed of them.
    let output = up(&taken, &variables, &[]);
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[test]
fn an_unknown_setting_of_the_file_is_wrong_usage() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let file = folder.path().join("county.toml");
    let path = file.to_str().expect("UTF-8");
    for (text, named) in [("lissen = \"127.0.0.1:1\"\n", "'lissen'"), ("listen = \"here\"\n", "'here'")] {
        fs::write(&file, text).expect("a file");
        let output = up(&taken, &[], &["--config", path]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(named), "{said}");
    }
    let output = up(&taken, &[], &["--config", folder.path().join("none.toml").to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    // The rule holds for `serve` too: the brokers, which it needs, come from the file.
    fs::write(&file, "kafka = \"127.0.0.1:9\"\n").expect("a file");
    let mut command = Command::new(BINARY);
    let address = taken.local_addr().expect("an address").to_string();
    plain(&mut command).args(["serve", "sales", "--print-config", "--config", path, "--metrics", &address]);
    let output = command.output().expect("the binary runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    for line in [format!("kafka = \"127.0.0.1:9\" # file {path}"), "listen = \"127.0.0.1:7613\" # default".to_owned()] {
        assert!(printed.lines().any(|found| found == line), "{line}: {output:?}");
    }
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
