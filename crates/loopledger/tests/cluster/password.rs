//! A cluster with a certificate, which lets in only who knows its password.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use loopledger_testkit::wait::until;
use loopledger_testkit::{Brokers, free_port};
use tonic_types::StatusExt;

use crate::deployment::Deployment;
use crate::outage::{ANSWER_MAX, DEADLINE, register};
use crate::replica::{BINARY, Replica, Setup};

/// Of the broker's key store, which lasts as long as the test.
const STORE_PASSWORD: &str = "key-store-password";

/// One broker with a listener for TLS and a password, beside the plain one that `scripts/kafka` knows.
struct Door {
    cluster: Deployment,
    address: String,
    keys: PathBuf,
    certificate: PathBuf,
    properties: PathBuf,
    /// What the script wrote.
    plain: String,
}

impl Door {
    fn new(password: &str) -> Self {
        let cluster = Deployment::on(Brokers::start(1));
        let address = format!("127.0.0.1:{}", free_port());
        let properties = cluster.brokers.data().join("broker-1/server.properties");
        let plain = fs::read_to_string(&properties).expect("the broker's properties");
        let (keys, certificate) = (cluster.folder().join("keys.p12"), cluster.folder().join("certificate.pem"));
        let whose = ["-dname", "CN=localhost", "-ext", "SAN=ip:127.0.0.1"];
        keytool(&[&["-genkeypair", "-keyalg", "EC", "-storetype", "PKCS12"][..], &whose].concat(), &keys);
        keytool(&["-exportcert", "-rfc", "-file", certificate.to_str().expect("a path")], &keys);
        let door = Self { cluster, address, keys, certificate, properties, plain };
        door.change(password);
        door
    }

    /// The broker starts anew with this password.
    fn change(&self, password: &str) {
        self.cluster.brokers.run(&["stop", "1"]);
        let value = |name: &str| self.plain.lines().find_map(|line| line.strip_prefix(name)).expect("a property");
        let (listeners, advertised, address) = (value("listeners="), value("advertised.listeners="), &self.address);
        let more = format!(
            "listeners={listeners},SASL_SSL://{address}\n\
             advertised.listeners={advertised},SASL_SSL://{address}\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL\n\
             ssl.keystore.type=PKCS12\n\
             ssl.keystore.location={}\n\
             ssl.keystore.password={STORE_PASSWORD}\n\
             sasl.enabled.mechanisms=PLAIN\n\
             listener.name.sasl_ssl.plain.sasl.jaas.config=\
             org.apache.kafka.common.security.plain.PlainLoginModule required user_loopledger=\"{password}\";\n",
            self.keys.display()
        );
        fs::write(&self.properties, format!("{}{more}", self.plain)).expect("the broker's properties");
        self.cluster.brokers.run(&["start", "1"]);
    }

    /// A file with this password, for programs that trust the broker's certificate.
    fn config(&self, password: &str) -> PathBuf {
        let path = self.cluster.folder().join(password);
        let who = format!("sasl.mechanisms=PLAIN\nsasl.username=loopledger\nsasl.password={password}\n");
        let whom = format!("security.protocol=SASL_SSL\nssl.ca.location={}\n", self.certificate.display());
        fs::write(&path, format!("# for a test\n{whom}\n{who}")).expect("a file");
        path
    }

    fn is_closed_to(&self, args: &[&str], config: &Path, why: &str) {
        let began = Instant::now();
        let mut command = Command::new(BINARY);
        let output = command.args(args).args(["--kafka", &self.address, "--kafka-config"]).arg(config).output();
        let output = output.expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("refused to accept this client") && said.contains(why), "{args:?}: {said}");
        assert!(!said.contains("wrong-password"), "{said}");
        assert!(began.elapsed() < ANSWER_MAX, "{:?}", began.elapsed());
    }
}

fn keytool(args: &[&str], keys: &Path) {
    let mut command = Command::new("keytool");
    command.args(args).args(["-alias", "broker", "-storepass", STORE_PASSWORD, "-keystore"]).arg(keys);
    let output = command.output().expect("keytool runs, which comes with Java");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_wrong_password_is_said_and_a_right_one_is_taken_again_without_a_restart() {
    let _machine = crate::machine();
    let door = Door::new("right-password");
    let wrong = door.config("wrong-password");
    let data = door.cluster.folder().join("refused");
    let data = data.to_str().expect("a path");
    let serve = ["serve", "station", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--data", data];
    door.is_closed_to(&serve, &wrong, "Authentication failed");
    door.is_closed_to(&["topics", "check"], &wrong, "Authentication failed");
    let right = door.config("right-password");
    let trusting = fs::read_to_string(&right).expect("a file");
    let distrusting = door.cluster.folder().join("distrusting");
    let lines = trusting.lines().filter(|line| !line.starts_with("ssl.ca.location"));
    fs::write(&distrusting, lines.collect::<Vec<_>>().join("\n")).expect("a file");
    door.is_closed_to(&["topics", "check"], &distrusting, "certificate verify failed");

    let right = right.to_str().expect("a path").to_owned();
    let program = Replica::start(Setup {
        program: "procurement",
        name: "a".to_owned(),
        brokers: door.address.clone(),
        data: door.cluster.folder().join("procurement-a"),
        partitions: None,
        variables: vec![("LOOPLEDGER_KAFKA_CONFIG", right)],
    });
    let url = program.await_ready();
    let runtime = crate::runtime();
    runtime.block_on(register(&url, 1)).expect("it is let in");

    door.change("another-password");
    let began = Instant::now();
    let failed = runtime.block_on(register(&url, 2)).expect_err("it is not let in any more");
    let reason = failed.get_details_error_info().expect("an answer of the service").reason;
    assert!(["OUTCOME_UNKNOWN", "LOG_UNAVAILABLE"].contains(&reason.as_str()), "{failed:?}");
    assert!(began.elapsed() < 2 * DEADLINE, "{:?}", began.elapsed());

    door.change("right-password");
    let mut sequence = 0;
    until("it is let in again", || {
        runtime.block_on(register(&url, 2)).is_ok_and(|recorded| {
            sequence = recorded;
            true
        })
    });
    assert_eq!(sequence, 2, "once");
    assert_eq!(program.ends(), Vec::<String>::new(), "without a restart");
}
